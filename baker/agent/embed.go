//go:build embedagent

package agent

import _ "embed"

// packed is what hack/dist packed with internal/packagent.
//
//go:embed agent.tar.zst
var packed []byte
