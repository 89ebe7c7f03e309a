package dump

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

var update = flag.Bool("update", false, "write want.txt anew")

// describe renders all that a Scanner says about an input.
func describe(r io.Reader) string {
	var out strings.Builder
	s := NewScanner(r)
	for {
		st, err := s.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				fmt.Fprintf(&out, "error: %v\n", err)
			}
			break
		}
		fmt.Fprintf(&out, "%d line %d bytes %d-%d %s", st.Number, st.Line, st.Offset, st.End, st.Kind)
		for _, f := range []struct{ k, v string }{{"schema", st.Schema}, {"table", st.Table}, {"name", st.Name}} {
			if f.v != "" {
				fmt.Fprintf(&out, " %s=%q", f.k, f.v)
			}
		}
		if st.Version > 0 {
			fmt.Fprintf(&out, " version=%d mariadb=%t", st.Version, st.MariaDBOnly)
		}
		if (st.Mode != Mode{}) {
			fmt.Fprintf(&out, " mode=%+v", st.Mode)
		}
		fmt.Fprintf(&out, "\n\t%q\n\t%s\n", st.Text, Redact(st.Text, 200))
	}
	for _, h := range s.Headers() {
		fmt.Fprintf(&out, "header: %+v\n", h)
	}
	if h, cut := s.Truncated(); cut {
		fmt.Fprintf(&out, "truncated: %s\n", h.Tool)
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/*/in.sql")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, in := range cases {
		dir := filepath.Dir(in)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			b, err := os.ReadFile(in)
			if err != nil {
				t.Fatal(err)
			}
			got := describe(bytes.NewReader(b))
			want := filepath.Join(dir, "want.txt")
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			w, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(w) {
				t.Errorf("got\n%s\nwant\n%s", got, w)
			}
			for name, r := range map[string]io.Reader{
				"one byte": iotest.OneByteReader(bytes.NewReader(b)),
				"half":     iotest.HalfReader(bytes.NewReader(b)),
				"data+EOF": iotest.DataErrReader(bytes.NewReader(b)),
				"random":   &chunks{r: bytes.NewReader(b), n: 7},
			} {
				if again := describe(r); again != got {
					t.Errorf("%s reads: got\n%s\nwant\n%s", name, again, got)
				}
			}
		})
	}
}

// chunks reads in pieces of random sizes below n.
type chunks struct {
	r io.Reader
	n int
}

func (c *chunks) Read(p []byte) (int, error) {
	return c.r.Read(p[:min(len(p), 1+rand.IntN(c.n))])
}

// generated is a dump of random statements and what they are.
type generated struct {
	text       []byte
	statements [][]byte
}

// junk is a random run of bytes that are trouble for a lexer.
func junk(r *rand.Rand) []byte {
	parts := []string{
		"'", "\"", "`", "\\", ";", ";;", "--", "-- ", "#", "/*", "*/", "/*!", "\n", "\r\n",
		"\x00", "é", "\xff", "a", "DELIMITER x\n", "\t", "word", "//", "0", "(", ")", ",",
	}
	var b []byte
	for range r.IntN(8) {
		b = append(b, parts[r.IntN(len(parts))]...)
	}
	return b
}

func quoteJunk(r *rand.Rand, noBackslash bool) []byte {
	q := "'\"`"[r.IntN(3)]
	b := []byte{q}
	for _, c := range junk(r) {
		switch {
		case c == q && (q == '`' || noBackslash || r.IntN(2) == 0):
			b = append(b, q, q)
		case c == q, c == '\\' && q != '`' && !noBackslash:
			b = append(b, '\\', c)
		default:
			b = append(b, c)
		}
	}
	return append(b, q)
}

func generate(r *rand.Rand) generated {
	var g generated
	delim := ";"
	noBackslash := false
	add := func(st []byte) {
		g.statements = append(g.statements, st)
		g.text = append(g.text, st...)
		g.text = append(g.text, []string{"", " ", "\n", "\r\n\t"}[r.IntN(4)]...)
		if delim == "//" { // which "*/" would run into
			g.text = append(g.text, ' ')
		}
		g.text = append(g.text, delim...)
	}
	for range r.IntN(30) {
		switch r.IntN(8) {
		case 0:
			delim = []string{";", ";;", "//", "$$", "|"}[r.IntN(5)]
			g.text = append(g.text, "\nDELIMITER "+delim+"\n"...)
		case 1:
			g.text = append(g.text, "\n-- comment ' ; \"\n # another `\n/* and ; ' */ "...)
		case 2:
			noBackslash = !noBackslash
			mode := map[bool]string{true: "NO_BACKSLASH_ESCAPES", false: ""}[noBackslash]
			add([]byte("/*!40101 SET sql_mode='" + mode + "' */"))
		default:
			st := []byte("SELECT ")
			for range r.IntN(6) {
				st = append(st, quoteJunk(r, noBackslash)...)
				st = append(st, []string{",", " ", "\n", "-1", " /* ; ' */ ", "/*!50003 x */", " -- '\n", "/2"}[r.IntN(8)]...)
			}
			add(append(st, 'x'))
		}
	}
	return g
}

func TestGeneratedStatementsComeBack(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		g := generate(r)
		s := NewScanner(&chunks{bytes.NewReader(g.text), 1 + r.IntN(64)})
		for i, want := range g.statements {
			st, err := s.Next()
			if err != nil || !bytes.Equal(st.Text, want) {
				t.Fatalf("seed %d, statement %d: got %q, %v\nwant %q\nof %q", seed, i, st.Text, err, want, g.text)
			}
			if !bytes.HasPrefix(g.text[st.Offset:], want) {
				t.Fatalf("seed %d: offset %d is wrong", seed, st.Offset)
			}
			if line := 1 + bytes.Count(g.text[:st.Offset], []byte("\n")); st.Line != int64(line) {
				t.Fatalf("seed %d: line %d, want %d", seed, st.Line, line)
			}
		}
		if st, err := s.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("seed %d: got %q, %v after the last statement", seed, st.Text, err)
		}
	}
}

func TestLargeStatementsAndShrinking(t *testing.T) {
	row := "(1,'" + strings.Repeat("x", 1000) + ";'),"
	big := "INSERT INTO t VALUES " + strings.Repeat(row, 40<<10) + "(2,'')"
	in := big + ";" + strings.Repeat("SELECT 1;", 2000)
	pad := strings.Repeat("-- "+strings.Repeat("p", 1000)+"\n", 30000)
	s := NewScanner(strings.NewReader(in + pad + strings.Repeat("SELECT 2;", 10)))
	st, err := s.Next()
	if err != nil || string(st.Text) != big {
		t.Fatalf("%d bytes, %v", len(st.Text), err)
	}
	n := 0
	for ; err == nil; n++ {
		_, err = s.Next()
	}
	if !errors.Is(err, io.EOF) || n != 2011 {
		t.Fatalf("%d more statements, %v", n-1, err)
	}
	if len(s.buf) > 4*baseBuffer {
		t.Errorf("the buffer still has %d bytes", len(s.buf))
	}
}

func TestLimit(t *testing.T) {
	s := NewScanner(strings.NewReader("SELECT 1;SELECT '" + strings.Repeat("x", 20<<20) + "';"))
	s.SetLimit(8 << 20)
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	_, err := s.Next()
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset != 9 {
		t.Fatalf("got %v", err)
	}
}

func TestReadErrorsPassThrough(t *testing.T) {
	boom := errors.New("boom")
	s := NewScanner(io.MultiReader(strings.NewReader("SELECT 1; SELECT 2"), iotest.ErrReader(boom)))
	if _, err := s.Next(); err != nil && !errors.Is(err, boom) {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Next(); !errors.Is(err, boom) {
			t.Fatalf("got %v", err)
		}
	}
	s = NewScanner(iotest.ErrReader(io.ErrUnexpectedEOF))
	if _, err := s.Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("got %v", err)
	}
}

func TestSettersHold(t *testing.T) {
	s := NewScanner(strings.NewReader(`SELECT '\';SELECT "a;";`))
	s.SetSQLMode(true, true)
	if st, err := s.Next(); err != nil || string(st.Text) != `SELECT '\'` {
		t.Fatalf("%q, %v", st.Text, err)
	}
	s = NewScanner(strings.NewReader("SELECT '\x95\\';SELECT 2"))
	s.SetCharset("cp932")
	if st, err := s.Next(); err != nil || string(st.Text) != "SELECT '\x95\\'" {
		t.Fatalf("%q, %v", st.Text, err)
	}
}

func FuzzScanner(f *testing.F) {
	cases, _ := filepath.Glob("testdata/*/in.sql")
	for _, in := range cases {
		b, err := os.ReadFile(in)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		whole := describe(bytes.NewReader(in))
		parts := describe(&chunks{bytes.NewReader(in), 1 + int(size)})
		if whole != parts {
			t.Fatalf("reads of other sizes change the result:\n%s\n%s", whole, parts)
		}
		s := NewScanner(bytes.NewReader(in))
		var last int64
		for {
			st, err := s.Next()
			if err != nil {
				return
			}
			if st.Offset < last || st.End < st.Offset+int64(len(st.Text)) || st.End > int64(len(in)) ||
				!bytes.HasPrefix(in[st.Offset:], st.Text) {
				t.Fatalf("statement %d is not where it says: %d-%d", st.Number, st.Offset, st.End)
			}
			last = st.End
		}
	})
}

// extendedInserts is text as mysqldump writes it: statements of about 1 MiB
// with numbers, dates, short and long strings, JSON and some escapes.
func extendedInserts(size int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	b.WriteString("/*!50503 SET NAMES utf8mb4 */;\n")
	words := strings.Fields("lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor")
	for b.Len() < size {
		b.WriteString("INSERT INTO `orders` VALUES ")
		from := b.Len()
		for b.Len()-from < 1<<20 {
			if b.Len() > from {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "(%d,'%s %s','user%d@example.com','2024-0%d-1%d 10:11:12',%d.%02d,NULL,-%d,'{\\\"a\\\": %d, \\\"tag\\\": \\\"%s\\\"}','",
				r.IntN(1e9), words[r.IntN(12)], words[r.IntN(12)], r.IntN(1e6), 1+r.IntN(9), r.IntN(10), r.IntN(1000), r.IntN(100),
				r.IntN(100), r.IntN(1000), words[r.IntN(12)])
			for range r.IntN(20) {
				b.WriteString(words[r.IntN(12)])
				b.WriteByte(' ')
			}
			b.WriteString("it\\'s\\n')")
		}
		b.WriteString(";\n")
	}
	return b.Bytes()
}

func BenchmarkScanner(b *testing.B) {
	in := extendedInserts(64 << 20)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		s := NewScanner(bytes.NewReader(in))
		for {
			if _, err := s.Next(); err != nil {
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
				break
			}
		}
	}
}

func BenchmarkScannerSmallStatements(b *testing.B) {
	one := []byte("INSERT INTO `orders` VALUES (1,'lorem ipsum','user1@example.com','2024-01-11 10:11:12',12.34,NULL);\n")
	in := bytes.Repeat(one, 200000)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		s := NewScanner(bytes.NewReader(in))
		for {
			if _, err := s.Next(); err != nil {
				break
			}
		}
	}
}
