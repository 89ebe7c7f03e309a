package dump

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func benchmarkEncoder(b *testing.B, in []byte, columns []Column) {
	b.Helper()
	s := NewScanner(bytes.NewReader(in))
	var all []Values
	var size int64
	for {
		st, err := s.Next()
		if err != nil {
			break
		}
		if st.Kind == Insert {
			ins := mustValues(b, string(st.Text), st.Mode)
			size += int64(len(ins.Rows))
			all = append(all, ins)
		}
	}
	e, err := NewEncoder(columns, "utf8mb4", Mode{})
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 4<<20)
	b.SetBytes(size)
	for b.Loop() {
		for _, ins := range all {
			if _, rest, _, err := e.Append(dst, ins.Rows, 8<<20); err != nil || len(rest) > 0 {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkEncoder(b *testing.B) {
	text := Column{Class: TextClass, Charset: "utf8mb4"}
	benchmarkEncoder(b, extendedInserts(32<<20), []Column{
		{Class: IntegerClass}, text, text, {Class: TemporalClass}, {Class: DecimalClass}, text, {Class: IntegerClass}, {Class: JSONClass}, text,
	})
}

func binaryInserts(size int, hex bool) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	for b.Len() < size {
		b.WriteString("INSERT INTO t VALUES (0,NULL)")
		for from := b.Len(); b.Len()-from < 1<<20; {
			blob := make([]byte, r.IntN(400))
			for i := range blob {
				blob[i] = byte(r.Uint32())
			}
			if hex {
				fmt.Fprintf(&b, ",(%d,0x00%X)", r.IntN(1e6), blob)
				continue
			}
			s := strings.NewReplacer("\x00", `\0`, "\n", `\n`, "\r", `\r`, `\`, `\\`, `'`, `\'`, `"`, `\"`, "\x1a", `\Z`).Replace(string(blob))
			fmt.Fprintf(&b, ",(%d,_binary '%s')", r.IntN(1e6), s)
		}
		b.WriteString(";\n")
	}
	return b.Bytes()
}

func BenchmarkEncoderBinary(b *testing.B) {
	benchmarkEncoder(b, binaryInserts(16<<20, false), []Column{{Class: IntegerClass}, {Class: BinaryClass}})
}

func BenchmarkEncoderHex(b *testing.B) {
	benchmarkEncoder(b, binaryInserts(16<<20, true), []Column{{Class: IntegerClass}, {Class: BinaryClass}})
}

func BenchmarkCutRows(b *testing.B) {
	ins := mustValues(b, string(bytes.TrimRight(extendedInserts(1 << 20)[len("/*!50503 SET NAMES utf8mb4 */;\n"):], ";\n")), Mode{})
	b.SetBytes(int64(len(ins.Rows)))
	for b.Loop() {
		if !ins.Complete() {
			b.Fatal("incomplete")
		}
	}
}
