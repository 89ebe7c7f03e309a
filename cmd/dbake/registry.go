package main

import (
	"github.com/spf13/pflag"

	"github.com/dbake/dbake/baker/progress"
	"github.com/dbake/dbake/baker/registry"
)

// registryFlags say how registries are talked to.
type registryFlags struct{ insecure []string }

func (o *registryFlags) addFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.insecure, "insecure-registry", nil,
		"talk to this registry (host:port) without TLS, or with a certificate nobody vouches for (repeatable; localhost always may)")
}

func (o *registryFlags) options() registry.Options {
	return registry.Options{Insecure: o.insecure, UserAgent: "dbake/" + buildVersion()}
}

// open makes a client that tells w what it transfers.
func (o *registryFlags) open(w progress.Writer) *registry.Client {
	options := o.options()
	options.Progress = w
	return registry.New(options)
}
