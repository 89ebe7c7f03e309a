package mysqld

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// fragmentName sorts behind what distributions put into an option directory,
// because later files win.
const fragmentName = "zz-dbake.cnf"

// maxOptionFile bounds what is read of an option file, in bytes.
const maxOptionFile = 256 << 10

// optionFileFor says where a fragment has to be written so that the server
// reads it last. files are the server's option files in reading order. When one
// of them includes a directory, the fragment is a new file in the directory
// included last; otherwise the last existing file is written anew, prefix
// first. Without any option file it is the first of the list that lies in /etc.
//
// The format is that of the MySQL manual, "Using Option Files".
func optionFileFor(files []string) (file, prefix string, err error) {
	var dir, last, lastText string
	for _, name := range files {
		if strings.HasPrefix(name, "~") {
			continue
		}
		text, err := readOptionFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", "", err
		}
		last, lastText = name, text
		found, err := lastIncludeDir(text, 0)
		if err != nil {
			return "", "", err
		}
		if found != "" {
			dir = found
		}
	}
	switch {
	case dir != "":
		// The file becomes part of a layer, whose directories are real ones.
		resolved, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return "", "", fmt.Errorf("find the base's option directory: %w", err)
		}
		return filepath.Join(resolved, fragmentName), "", nil
	case last != "":
		if last, err = filepath.EvalSymlinks(last); err != nil {
			return "", "", fmt.Errorf("find the base's option file: %w", err)
		}
		return last, strings.TrimRight(lastText, "\n") + "\n\n", nil
	}
	for _, name := range files {
		if strings.HasPrefix(name, "/etc/") {
			return name, "", nil
		}
	}
	return "/etc/my.cnf", "", nil
}

func readOptionFile(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", fmt.Errorf("read the base's option file: %w", err)
	}
	if info.Size() > maxOptionFile {
		return "", fmt.Errorf("the base's option file %s is %d bytes, more than %d: too large to be one", name, info.Size(), maxOptionFile)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("read the base's option file: %w", err)
	}
	return string(text), nil
}

// maxIncludeDepth is the server's own limit on nested includes.
const maxIncludeDepth = 10

// lastIncludeDir gives the directory of the last !includedir in an option
// file's text, following !include. It is empty when there is none.
func lastIncludeDir(text string, depth int) (string, error) {
	if depth > maxIncludeDepth {
		return "", errors.New("the base's option files include each other more than ten deep")
	}
	dir := ""
	for line := range strings.Lines(text) {
		word, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
		arg = strings.TrimSpace(arg)
		switch word {
		case "!includedir":
			// A directory that is not there is an error to the server, too.
			if info, err := os.Stat(arg); err == nil && info.IsDir() {
				dir = filepath.Clean(arg)
			}
		case "!include":
			inner, err := readOptionFile(arg)
			if err != nil {
				continue // the server will say it better
			}
			found, err := lastIncludeDir(inner, depth+1)
			if err != nil {
				return "", err
			}
			if found != "" {
				dir = found
			}
		}
	}
	return dir, nil
}
