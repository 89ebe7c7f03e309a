package frontend

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/client/llb"
)

// stepEnv are the build arguments that steer how the agent reaches a dump.
// They become environment of the steps, so they are part of the cache key and
// show in provenance: none of them may be a secret.
var stepEnv = []string{
	"AWS_DEFAULT_REGION",
	"AWS_ENDPOINT_URL",
	"AWS_ENDPOINT_URL_S3",
	"AWS_PROFILE",
	"AWS_REGION",
	"DBAKE_S3_PATH_STYLE",
}

// credentialEnv are the secrets that the AWS SDK reads from the environment.
var credentialEnv = []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}

// proxyEnv are the proxy variables, of which each also counts in lower case.
var proxyEnv = []string{"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"}

// buildArgs are the build arguments, told apart by what they are for.
type buildArgs struct {
	// values are all of them, for ${NAME} in the file.
	values map[string]string
	// env holds those of stepEnv that were given.
	env map[string]string
	// proxy is nil when no proxy was given.
	proxy *llb.ProxyEnv
	// epoch is SOURCE_DATE_EPOCH; nil when it was not given.
	epoch *time.Time
}

// readArgs sorts the build arguments. An argument that is a credential is
// refused: build arguments are written down in the image's provenance.
func readArgs(values map[string]string) (buildArgs, error) {
	a := buildArgs{values: values, env: map[string]string{}}
	for _, name := range credentialEnv {
		if values[name] != "" {
			return a, fmt.Errorf("build argument %[1]s is a credential, and build arguments end up in the image's provenance: "+
				"pass it as a secret instead (--secret id=%[1]s,env=%[1]s)", name)
		}
	}
	for _, name := range stepEnv {
		if v := values[name]; v != "" {
			a.env[name] = v
		}
	}
	a.proxy = readProxy(values)
	if v := values["SOURCE_DATE_EPOCH"]; v != "" {
		sec, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return a, fmt.Errorf("build argument SOURCE_DATE_EPOCH is not a number of seconds since 1970: %q", v)
		}
		t := time.Unix(sec, 0).UTC()
		a.epoch = &t
	}
	return a, nil
}

func readProxy(values map[string]string) *llb.ProxyEnv {
	get := func(name string) string {
		if v := values[name]; v != "" {
			return v
		}
		return values[strings.ToLower(name)]
	}
	p := llb.ProxyEnv{
		HTTPProxy:  get("HTTP_PROXY"),
		HTTPSProxy: get("HTTPS_PROXY"),
		FTPProxy:   get("FTP_PROXY"),
		NoProxy:    get("NO_PROXY"),
		AllProxy:   get("ALL_PROXY"),
	}
	if p == (llb.ProxyEnv{}) {
		return nil
	}
	return &p
}

// timestamp is the time of every file that the frontend itself writes: the
// build's SOURCE_DATE_EPOCH or a fixed time, so that the same build gives the
// same layer.
func (a buildArgs) timestamp() time.Time {
	if a.epoch != nil {
		return *a.epoch
	}
	return time.Unix(0, 0).UTC()
}

// unused returns the sorted names of arguments that neither the file nor the
// frontend reads.
func (a buildArgs) unused(data []byte) []string {
	known := map[string]bool{"SOURCE_DATE_EPOCH": true}
	for _, name := range slices.Concat(stepEnv, credentialEnv) {
		known[name] = true
	}
	for _, name := range proxyEnv {
		known[name], known[strings.ToLower(name)] = true, true
	}
	for _, r := range references(data) {
		known[r.name] = true
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(a.values)) {
		if !known[name] && !strings.HasPrefix(name, "BUILDKIT_") {
			names = append(names, name)
		}
	}
	return names
}

// argReference is one ${NAME} or ${NAME:-default} in a dbake.yaml.
type argReference struct {
	name, fallback string
	line           int
}

// "$${" is an escape and no reference; see package spec.
var referencePattern = regexp.MustCompile(`(^|[^$])\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}`)

// references returns the first reference to each build argument, in the order
// of the file. Comment lines do not count.
func references(data []byte) []argReference {
	var refs []argReference
	for i, line := range strings.Split(string(data), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, m := range referencePattern.FindAllStringSubmatch(line, -1) {
			if !slices.ContainsFunc(refs, func(r argReference) bool { return r.name == m[2] }) {
				refs = append(refs, argReference{name: m[2], fallback: m[4], line: i + 1})
			}
		}
	}
	return refs
}
