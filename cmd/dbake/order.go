package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/dbake/dbake/seed/check"
	"github.com/dbake/dbake/spec"
)

// specFlags say which dbake.yaml, and what is different in it this time.
type specFlags struct {
	file      string
	buildArgs []string
	sets      []string
}

func (o *specFlags) addFlags(f *pflag.FlagSet) {
	f.StringVarP(&o.file, "file", "f", "dbake.yaml", `the dbake.yaml; "-" is standard input`)
	f.StringArrayVar(&o.buildArgs, "build-arg", nil,
		"set a build argument, as NAME=VALUE or as NAME for the variable of the environment (repeatable)")
	f.StringArrayVar(&o.sets, "set", nil, "set a value of the file, as restore.definer=strip (repeatable)")
}

// order is a dbake.yaml as the command line wants it.
type order struct {
	file *spec.File
	name string
	data []byte
	args map[string]string
	// dir is the directory the file is in.
	dir string
}

func (o *specFlags) load(stdin io.Reader) (*order, error) {
	args, err := parseBuildArgs(o.buildArgs)
	if err != nil {
		return nil, err
	}
	name, data, err := readSpec(o.file, stdin)
	if err != nil {
		return nil, err
	}
	for _, set := range o.sets {
		if data, err = spec.Set(data, set); err != nil {
			return nil, usageError{fmt.Errorf("--set %w", err)}
		}
	}
	file, err := spec.Parse(name, data, args)
	if err != nil {
		return nil, err
	}
	if err := check.File(name, file); err != nil {
		return nil, err
	}
	dir := "."
	if o.file != "-" {
		dir = filepath.Dir(o.file)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("find the directory of %s: %w", name, err)
	}
	return &order{file: file, name: name, data: data, args: withEnvironment(args), dir: dir}, nil
}

// awsEnvironment are the variables that say where an S3 is. A bake on this machine
// takes them from the environment, as every tool for AWS does; a build argument
// wins. Credentials are secrets and not among them.
var awsEnvironment = []string{
	"AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "DBAKE_S3_PATH_STYLE",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
	"SOURCE_DATE_EPOCH",
}

func withEnvironment(args map[string]string) map[string]string {
	for _, name := range awsEnvironment {
		if _, given := args[name]; given {
			continue
		}
		if value := os.Getenv(name); value != "" {
			args[name] = value
		}
	}
	return args
}
