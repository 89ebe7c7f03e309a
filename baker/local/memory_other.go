//go:build !linux

package local

import "github.com/dbake/dbake/baker/jail"

// meminfo is for jails, which there are none of here.
func (w *workDir) meminfo() (string, error) { return "", jail.ErrImpossible }
