package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// rate is one line of "go test -bench".
type rate struct{ name, megabytes string }

// goBench picks the benchmarks of the parts that every byte of a dump goes
// through.
const goBench = "^(BenchmarkScanner|BenchmarkScannerSmallStatements|BenchmarkEncoder|BenchmarkEncoderBinary|BenchmarkEncoderHex|BenchmarkCutRows|BenchmarkDecompress|BenchmarkS3Read)$"

var rateLine = regexp.MustCompile(`^(Benchmark\S+?)(?:-\d+)?\s+\d+\s+[\d.]+ ns/op\s+([\d.]+) MB/s`)

// goBenchmarks runs the Go benchmarks of seed/dump and seed/source.
func goBenchmarks(ctx context.Context) ([]rate, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", goBench, "-benchtime", "1s", "-cpu", "1",
		"github.com/dbake/dbake/seed/dump", "github.com/dbake/dbake/seed/source")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	var rates []rate
	for line := range strings.Lines(string(out)) {
		if m := rateLine.FindStringSubmatch(line); m != nil {
			rates = append(rates, rate{name: strings.TrimPrefix(m[1], "Benchmark"), megabytes: m[2]})
		}
	}
	return rates, nil
}
