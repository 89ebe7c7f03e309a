// Package depcheck holds the test that keeps the folders of dbake apart: which
// of them must not be built from which code.
package depcheck
