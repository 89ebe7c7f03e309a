package mask

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/dbake/dbake/seed/rows"
)

// moment is a date with an optional time, taken apart. Days and months can be 0,
// as MySQL allows.
type moment struct {
	year, month, day int
	hasTime          bool
	seconds          int64 // of the day
	// rest is where the text goes on behind the seconds or the date.
	rest int
}

// parseMoment reads 2006-01-02, and 15:04:05 behind a blank or T. What follows
// a time may be anything: a fraction, a zone.
func parseMoment(text []byte) (moment, bool) {
	var m moment
	var hour, minute, second int
	ok := digitsAt(text, 0, 4, &m.year) && symbol(text, 4, "-") && digitsAt(text, 5, 2, &m.month) &&
		symbol(text, 7, "-") && digitsAt(text, 8, 2, &m.day) && m.month <= 12 && m.day <= 31
	if !ok || len(text) == 10 {
		m.rest = 10
		return m, ok
	}
	ok = symbol(text, 10, " T") && digitsAt(text, 11, 2, &hour) && symbol(text, 13, ":") &&
		digitsAt(text, 14, 2, &minute) && symbol(text, 16, ":") && digitsAt(text, 17, 2, &second) &&
		hour < 24 && minute < 60 && second < 61 && (len(text) == 19 || !isDigit(text[19]))
	m.hasTime, m.seconds, m.rest = true, int64(hour*3600+minute*60+second), 19
	return m, ok
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func symbol(text []byte, at int, allowed string) bool {
	for i := range len(allowed) {
		if at < len(text) && text[at] == allowed[i] {
			return true
		}
	}
	return false
}

func digitsAt(text []byte, at, n int, result *int) bool {
	if at+n > len(text) {
		return false
	}
	for _, c := range text[at : at+n] {
		if !isDigit(c) {
			return false
		}
		*result = *result*10 + int(c-'0')
	}
	return true
}

// daysOf counts days from 1970-01-01 in the proleptic Gregorian calendar, and
// dateOf is the way back (Howard Hinnant's algorithms for eras of 400 years that
// begin in March).
func daysOf(year, month, day int) int64 {
	if month <= 2 {
		year--
	}
	era := floor(year, 400)
	ofEra := year - era*400
	ofYear := (153*((month+9)%12)+2)/5 + day - 1
	return int64(era*146097 + ofEra*365 + ofEra/4 - ofEra/100 + ofYear - 719468)
}

func dateOf(days int64) (year, month, day int) {
	z := int(days) + 719468
	era := floor(z, 146097)
	ofEra := z - era*146097
	yearOfEra := (ofEra - ofEra/1460 + ofEra/36524 - ofEra/146096) / 365
	ofYear := ofEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	m := (5*ofYear + 2) / 153
	day, month, year = ofYear-(153*m+2)/5+1, (m+2)%12+1, yearOfEra+era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

func floor(a, b int) int {
	if a < 0 {
		a -= b - 1
	}
	return a / b
}

const daySeconds = 24 * 3600

// shift moves dates and times by up to a range.
type shift struct {
	seconds int64 // the range
	by      string
	fixed   bool
}

func newShift(_ *transform, o options) (definition, error) {
	text := o.text("range", "30d")
	units := map[byte]int64{'w': 7 * daySeconds, 'd': daySeconds, 'h': 3600, 'm': 60, 's': 1}
	n, err := strconv.ParseInt(text[:len(text)-1], 10, 64)
	d := shift{seconds: n * units[text[len(text)-1]], by: o.text("by", ""), fixed: o.flag("fixed")}
	switch {
	case err != nil, d.seconds > 1000*366*daySeconds:
		return nil, o.fail("range", "", "%s is more than the calendar has", text)
	case d.fixed && d.by != "":
		return nil, o.fail("by", "choose one", "a fixed span does not depend on a column")
	}
	return d, nil
}

func (d shift) bind(b *binder) (step, traits, error) {
	if err := b.wants(dateFamily, textFamily); err != nil {
		if b.column.numeric() {
			err = fmt.Errorf("%w: use noise with amount", err)
		}
		return nil, traits{}, err
	}
	s := &shiftStep{seconds: d.seconds, seeder: b.seeder("shift"), by: -1, fixed: d.fixed}
	s.first, s.last = -719162*daySeconds, 2932897*daySeconds-1 // 0001-01-01 to 9999-12-31
	kind := ""
	if b.model != nil {
		kind = b.model.def.Type
	}
	switch kind {
	case "timestamp":
		// 1970-01-01 00:00:01 to 2038-01-19 03:14:07 in UTC; a day is left for
		// the dump's time zone.
		s.first, s.last = daySeconds, 1<<31-1-2*daySeconds
	case "date":
		s.whole = true
	}
	if s.whole && d.seconds < daySeconds {
		return nil, traits{}, errors.New("range: a date moves by a day at least")
	}
	if d.by != "" {
		var err error
		if s.by, err = b.cell(d.by); err != nil {
			return nil, traits{}, fmt.Errorf("by: %w", err)
		}
	}
	return valued{s}, traits{injective: d.fixed && b.column != nil && b.column.family == dateFamily}, nil
}

type shiftStep struct {
	*seeder
	seconds     int64
	by          int
	fixed       bool
	whole       bool // days only
	first, last int64
	out         []byte
}

var (
	errNoMoment = errors.New("a value is no date (2006-01-02) or time (2006-01-02 15:04:05)")
	errCalendar = errors.New("a value is moved out of the range of its type (use a shorter range)")
)

func (s *shiftStep) apply(r *row, v value) (value, error) {
	m, ok := parseMoment(v.text)
	if !ok {
		return v, errNoMoment
	}
	if m.year == 0 && m.month == 0 {
		return v, nil // the zero date
	}
	at := daysOf(m.year, max(m.month, 1), max(m.day, 1))*daySeconds + m.seconds
	moved, err := s.move(at, s.span(r, v, !m.hasTime || s.whole))
	if err != nil {
		return v, err
	}
	s.write(v.text, m, moved)
	return value{rows.Text, s.out}, nil
}

// span is how far the value moves: never by 0.
func (s *shiftStep) span(r *row, v value, days bool) int64 {
	seed := v.text
	switch {
	case s.fixed:
		seed = nil
	case s.by >= 0 && r.cells[s.by].Kind != rows.Null:
		seed = r.cells[s.by].Value
	}
	random := s.seed(seed)
	unit := int64(1)
	if days || s.seconds%daySeconds == 0 {
		// Whole days leave the hours alone, which often matter to a test.
		unit = daySeconds
	}
	most := max(s.seconds/unit, 1)
	n := int64(random.below(uint64(2*most))) - most
	if n >= 0 {
		n++
	}
	return n * unit
}

// move goes the other way where the type's range ends, unless all values move by
// the same.
func (s *shiftStep) move(at, span int64) (int64, error) {
	for _, to := range []int64{at + span, at - span} {
		if to >= s.first && to <= s.last {
			return to, nil
		}
		if s.fixed {
			break
		}
	}
	return 0, errCalendar
}

// write keeps the form of the text, and a day or month of 0.
func (s *shiftStep) write(text []byte, m moment, at int64) {
	days := at / daySeconds
	if at%daySeconds < 0 {
		days--
	}
	seconds := at - days*daySeconds
	year, month, day := dateOf(days)
	if m.month == 0 {
		month = 0
	}
	if m.day == 0 {
		day = 0
	}
	s.out = appendPadded(s.out[:0], year, 4)
	s.out = appendPadded(append(s.out, '-'), month, 2)
	s.out = appendPadded(append(s.out, '-'), day, 2)
	if m.hasTime {
		s.out = append(s.out, text[10])
		s.out = appendPadded(s.out, int(seconds/3600), 2)
		s.out = appendPadded(append(s.out, ':'), int(seconds/60%60), 2)
		s.out = appendPadded(append(s.out, ':'), int(seconds%60), 2)
	}
	s.out = append(s.out, text[m.rest:]...)
}

func appendPadded(dst []byte, n, width int) []byte {
	for limit := 10; width > 1; width-- {
		wide := limit
		for range width - 2 {
			wide *= 10
		}
		if n >= wide {
			break
		}
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(n), 10)
}
