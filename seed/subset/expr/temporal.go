package expr

import (
	"time"
)

// Points in time are packed into one number whose order is theirs: the parts
// year, month, day, hour, minute, second and microsecond, each in a field large
// enough. Zero months and days, which old tables hold, pack like others.
const (
	perSecond = 1_000_000
	perMinute = 60 * perSecond
	perHour   = 60 * perMinute
	perDay    = 24 * perHour
	perMonth  = 32 * perDay
	perYear   = 13 * perMonth
)

func packDate(y, m, d int) int64 { return int64(y)*perYear + int64(m)*perMonth + int64(d)*perDay }

func packTime(t time.Time) int64 {
	h, m, s := t.Clock()
	return packDate(t.Year(), int(t.Month()), t.Day()) + int64(h)*perHour + int64(m)*perMinute + int64(s)*perSecond
}

func dateParts(v int64) (y, m, d int) {
	return int(v / perYear), int(v % perYear / perMonth), int(v % perMonth / perDay)
}

// dayPart is the part of v that is a date.
func dayPart(v int64) int64 { return v - v%perDay }

// toTime gives a point in time; ok is false for a date that does not exist.
func toTime(v int64) (t time.Time, ok bool) {
	y, m, d := dateParts(v)
	if m == 0 || d == 0 {
		return time.Time{}, false
	}
	t = time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if t.Day() != d {
		return time.Time{}, false
	}
	return t.Add(time.Duration(v%perDay) * time.Microsecond), true
}

func fromTime(t time.Time) int64 { return packTime(t) + int64(t.Nanosecond()/1000) }

// digits reads n digits of b from i on.
func digits(b []byte, i, n int) (int, bool) {
	if i+n > len(b) {
		return 0, false
	}
	v := 0
	for _, c := range b[i : i+n] {
		if !isDigit(c) {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

// parseDateTime reads YYYY-MM-DD with or without a time of day behind it:
// [ T]HH:MM[:SS[.ffffff]].
func parseDateTime(b []byte) (v int64, hasTime, ok bool) {
	y, ok1 := digits(b, 0, 4)
	m, ok2 := digits(b, 5, 2)
	d, ok3 := digits(b, 8, 2)
	if !ok1 || !ok2 || !ok3 || b[4] != '-' || b[7] != '-' || m > 12 || d > 31 {
		return 0, false, false
	}
	v = packDate(y, m, d)
	if len(b) == 10 {
		return v, false, true
	}
	if b[10] != ' ' && b[10] != 'T' {
		return 0, false, false
	}
	clock, ok := parseClock(b[11:], 2)
	if !ok || clock >= perDay {
		return 0, false, false
	}
	return v + clock, true, true
}

// parseClock reads HH:MM[:SS[.ffffff]] with so many digits of hours.
func parseClock(b []byte, width int) (int64, bool) {
	h, ok1 := digits(b, 0, width)
	m, ok2 := digits(b, width+1, 2)
	if !ok1 || !ok2 || b[width] != ':' || m > 59 {
		return 0, false
	}
	v := int64(h)*perHour + int64(m)*perMinute
	rest := b[width+3:]
	if len(rest) == 0 {
		return v, true
	}
	s, ok := digits(rest, 1, 2)
	if !ok || rest[0] != ':' || s > 59 {
		return 0, false
	}
	v += int64(s) * perSecond
	if rest = rest[3:]; len(rest) == 0 {
		return v, true
	}
	if rest[0] != '.' || len(rest) < 2 || len(rest) > 7 {
		return 0, false
	}
	unit := int64(perSecond)
	for _, c := range rest[1:] {
		if !isDigit(c) {
			return 0, false
		}
		unit /= 10
		v += int64(c-'0') * unit
	}
	return v, true
}

// parseTime reads a TIME: [-]HH:MM[:SS[.ffffff]] with two or three digits of hours.
func parseTime(b []byte) (int64, bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	width := 2
	if len(b) > 3 && b[3] == ':' {
		width = 3
	}
	if len(b) < width+3 {
		return 0, false
	}
	v, ok := parseClock(b, width)
	if negative {
		v = -v
	}
	return v, ok
}

// units are the lengths of the units of fixed length, in microseconds.
var units = map[string]int64{
	"MICROSECOND": 1, "SECOND": perSecond, "MINUTE": perMinute, "HOUR": perHour, "DAY": perDay, "WEEK": 7 * perDay,
}

// months are the lengths of the other units.
var months = map[string]int64{"MONTH": 1, "QUARTER": 3, "YEAR": 12}

// addInterval adds n units to a point in time; ok is false where the servers give
// NULL: a zero date, or a year that is not one of 0 to 9999.
func addInterval(v, n int64, unit string) (int64, bool) {
	const most = 10000 * 366 * 24 * 3600 // seconds, far beyond all years
	t, ok := toTime(v)
	if !ok {
		return 0, false
	}
	if length, fixed := units[unit]; fixed {
		whole, rest := length/perSecond, length%perSecond
		if abs(n) > most {
			return 0, false
		}
		seconds := n * whole
		if seconds > most || seconds < -most {
			return 0, false
		}
		t = time.Unix(t.Unix()+seconds, int64(t.Nanosecond())).UTC()
		t = t.Add(time.Duration(n*rest) * time.Microsecond)
	} else {
		if abs(n) > 200_000 {
			return 0, false
		}
		y, m, d := dateParts(v)
		total := int64(y)*12 + int64(m-1) + n*months[unit]
		if total < 0 {
			return 0, false
		}
		last := time.Date(int(total/12), time.Month(total%12)+2, 0, 0, 0, 0, 0, time.UTC).Day()
		t = time.Date(int(total/12), time.Month(total%12)+1, min(d, last), 0, 0, 0, 0, time.UTC)
		t = t.Add(time.Duration(v%perDay) * time.Microsecond)
	}
	if t.Year() < 0 || t.Year() > 9999 {
		return 0, false
	}
	return fromTime(t), true
}

// daysBetween is DATEDIFF.
func daysBetween(a, b int64) (int64, bool) {
	ta, ok1 := toTime(dayPart(a))
	tb, ok2 := toTime(dayPart(b))
	return (ta.Unix() - tb.Unix()) / (24 * 3600), ok1 && ok2
}
