package subset

import "fmt"

// set is a set of hashes by open addressing: 8 bytes a place, of which between a
// third and two thirds are taken, so 12 to 24 bytes a hash. A large one lies in a
// file that is mapped into memory, which the system writes out when memory is short.
type set struct {
	places []uint64
	n      int
	memory *memory
	free   func()
}

// memory says where sets lie.
type memory struct {
	dir string
	// most is how large the places of one set may be, in bytes, before they
	// lie in a file.
	most int
}

func (s *set) has(h uint64) bool {
	if h == 0 || s.n == 0 {
		return false
	}
	mask := uint64(len(s.places) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch s.places[i] {
		case h:
			return true
		case 0:
			return false
		}
	}
}

// add adds a hash that is not 0.
func (s *set) add(h uint64) error {
	if h == 0 {
		return nil
	}
	if 3*(s.n+1) > 2*len(s.places) {
		if err := s.grow(); err != nil {
			return err
		}
	}
	if place(s.places, h) {
		s.n++
	}
	return nil
}

func place(places []uint64, h uint64) bool {
	mask := uint64(len(places) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch places[i] {
		case h:
			return false
		case 0:
			places[i] = h
			return true
		}
	}
}

func (s *set) grow() error {
	old, free := s.places, s.free
	size := max(1024, 2*len(old))
	if size*8 <= s.memory.most {
		s.places, s.free = make([]uint64, size), nil
	} else {
		var err error
		if s.places, s.free, err = mapFile(s.memory.dir, size); err != nil {
			s.places = old
			return fmt.Errorf("make room for %d keys of a subset: %w", size, err)
		}
	}
	for _, h := range old {
		if h != 0 {
			place(s.places, h)
		}
	}
	if free != nil {
		free()
	}
	return nil
}

func (s *set) close() {
	if s.free != nil {
		s.free()
	}
	s.places, s.n, s.free = nil, 0, nil
}
