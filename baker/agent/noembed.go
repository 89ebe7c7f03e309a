//go:build !embedagent

package agent

// packed is empty: see embed.go.
var packed []byte
