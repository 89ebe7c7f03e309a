package imageconfig

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/dbake/dbake/seed/plan"
	"github.com/dbake/dbake/spec"
)

// File is a regular file of the image with mode 0644, owned by root.
type File struct {
	Path string // absolute
	Data []byte
}

// Files are what the entrypoint has to know, and the option file that makes the
// base's server serve the data directory however it is started.
func Files(bs plan.Base, dataDir string, settings spec.Settings) ([]File, error) {
	config, err := json.Marshal(plan.Entrypoint{
		Flavour:  bs.Flavour,
		Server:   bs.Server,
		Client:   bs.Client,
		User:     bs.User,
		UID:      bs.UID,
		GID:      bs.GID,
		Socket:   bs.Socket,
		DataDir:  dataDir,
		Pristine: plan.PristineDir,
	})
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", plan.EntrypointConfig, err)
	}
	if !path.IsAbs(bs.OptionFile) {
		return nil, fmt.Errorf("the base's option files include no directory to put settings into (%q)", bs.OptionFile)
	}
	return []File{
		{plan.EntrypointConfig, append(config, '\n')},
		{bs.OptionFile, []byte(bs.OptionPrefix + optionFragment(dataDir, settings))},
	}, nil
}

// optionFragment is the option file of a baked image.
func optionFragment(dataDir string, settings spec.Settings) string {
	var w strings.Builder
	w.WriteString("# Written by dbake.\n[mysqld]\n")
	fmt.Fprintf(&w, "datadir=%s\n", optionValue(dataDir))
	for _, s := range settings {
		if s.Value == "" {
			fmt.Fprintf(&w, "%s\n", s.Name)
			continue
		}
		fmt.Fprintf(&w, "%s=%s\n", s.Name, optionValue(s.Value))
	}
	return w.String()
}

var optionEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, `"`, `\"`)

// optionValue writes a value so that the server's option-file reader gives
// back the same: it takes "#" for a comment, trims spaces and resolves
// backslashes, and quotes that enclose the value are dropped.
func optionValue(v string) string {
	if !strings.ContainsAny(v, "#;'\"\\\n\r\t") && strings.TrimSpace(v) == v {
		return v
	}
	return `"` + optionEscapes.Replace(v) + `"`
}
