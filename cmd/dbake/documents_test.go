package main

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// What is in a document. In fenced blocks nothing is a link or a heading.
var (
	fencedBlocks = regexp.MustCompile("(?ms)^```.*?\n```$")
	links        = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings     = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// document is a Markdown file without its code.
type document struct {
	text    string
	anchors map[string]bool
}

// readDocuments reads all Markdown files below root, by their paths in it.
func readDocuments(t *testing.T, root string) map[string]document {
	t.Helper()
	documents := map[string]document{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch d.Name() {
			case ".git", ".cache", "dist", "testdata":
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".md" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		path, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		doc := document{text: fencedBlocks.ReplaceAllString(string(text), ""), anchors: map[string]bool{}}
		for _, m := range headings.FindAllStringSubmatch(doc.text, -1) {
			doc.anchors[anchor(m[1])] = true
		}
		documents[path] = doc
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(heading))
}

// Links between documents lead somewhere, and the README leads to every page.
func TestDocumentsLinkToWhatExists(t *testing.T) {
	t.Parallel()
	const root = "../.."
	documents := readDocuments(t, root)
	fromReadme := map[string]bool{}
	for name, doc := range documents {
		for _, m := range links.FindAllStringSubmatch(doc.text, -1) {
			to, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if to.Scheme != "" {
				continue
			}
			path := name
			if to.Path != "" {
				path = filepath.Join(filepath.Dir(name), to.Path)
			}
			if name == "README.md" {
				fromReadme[path] = true
			}
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s: the link %s leads to nothing", name, m[1])
			} else if there, ok := documents[path]; ok && to.Fragment != "" && !there.anchors[to.Fragment] {
				t.Errorf("%s: the link %s leads to no heading", name, m[1])
			}
		}
	}
	for name := range documents {
		if filepath.Dir(name) == "docs" && !fromReadme[name] {
			t.Errorf("README.md does not link %s", name)
		}
	}
}
