package mask

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/dbake/dbake/seed/rows"
)

// shuffle permutes the values of a dictionary.
type shuffle struct {
	values []string
	choose bool
}

func newShuffle(_ *transform, o options) (definition, error) {
	d := shuffle{o.scalars("values"), o.text("unknown", "fail") == "choose"}
	seen := map[string]bool{}
	for _, v := range d.values {
		key := string(fold(nil, []byte(v)))
		if seen[key] {
			return nil, o.fail("values", "", "%q is in it twice (case does not count)", v)
		}
		seen[key] = true
	}
	return d, nil
}

func (d shuffle) bind(b *binder) (step, traits, error) {
	values := d.values
	if len(values) == 0 {
		if b.model == nil || b.model.family != enumFamily {
			return nil, traits{}, errors.New("values: there is no dictionary, and the column is no enum")
		}
		values = b.model.def.Members
	}
	if err := b.fitAll(values); err != nil {
		return nil, traits{}, err
	}
	s := &shuffleStep{seeder: b.seeder("shuffle"), places: map[string]int{}, choose: d.choose}
	p := b.permuter("shuffle")
	for i, v := range values {
		s.places[v] = i
		if key := string(fold(nil, []byte(v))); key != v {
			if _, taken := s.places[key]; !taken {
				s.places[key] = i
			}
		}
		s.results = append(s.results, []byte(values[p.number(uint64(i), uint64(len(values)), 0)]))
	}
	return valued{s}, traits{injective: !d.choose}, nil
}

// fitAll checks values that will be results.
func (b *binder) fitAll(values []string) error {
	if b.column == nil {
		return nil
	}
	for _, v := range values {
		if _, err := b.column.fit(value{rows.Text, []byte(v)}, false); err != nil {
			return fmt.Errorf("values: %q does not fit: %w", v, err)
		}
	}
	return nil
}

type shuffleStep struct {
	*seeder
	places  map[string]int
	results [][]byte
	choose  bool
	folded  []byte
}

var errNotListed = errors.New("a value is not in the dictionary (add it, or write unknown: choose)")

func (s *shuffleStep) apply(_ *row, v value) (value, error) {
	if i, ok := s.places[string(v.text)]; ok {
		return value{rows.Text, s.results[i]}, nil
	}
	s.folded = append(s.folded[:0], fold(s.folded, v.text)...)
	if i, ok := s.places[string(s.folded)]; ok {
		return value{rows.Text, s.results[i]}, nil
	}
	if !s.choose {
		return v, errNotListed
	}
	return value{rows.Text, s.results[s.seed(v.text).below(uint64(len(s.results)))]}, nil
}

// weighted gives one of some values.
type weighted struct {
	values  []string
	weights []float64 // summed up, the last is 1
}

func newChoice(_ *transform, o options) (definition, error) {
	var d weighted
	m, isMap := o.values["values"].(map[string]any)
	if !isMap {
		d.values = o.scalars("values")
		for i := range d.values {
			d.weights = append(d.weights, float64(i+1)/float64(len(d.values)))
		}
		return d, nil
	}
	total := 0.0
	for _, name := range slices.Sorted(maps.Keys(m)) {
		w, _ := number(m[name])
		total += w
		d.values = append(d.values, name)
		d.weights = append(d.weights, total)
	}
	for i := range d.weights {
		d.weights[i] /= total
	}
	return d, nil
}

func (d weighted) bind(b *binder) (step, traits, error) {
	s := &choiceStep{weighted: d, seeder: b.seeder("choice")}
	for _, v := range d.values {
		s.results = append(s.results, []byte(v))
	}
	return valued{s}, traits{}, b.fitAll(d.values)
}

type choiceStep struct {
	weighted
	*seeder
	results [][]byte
}

func (s *choiceStep) apply(_ *row, v value) (value, error) {
	at := float64(s.seed(v.text).next()>>11) / (1 << 53)
	i := 0
	for i < len(s.weights)-1 && at >= s.weights[i] {
		i++
	}
	return value{rows.Text, s.results[i]}, nil
}
