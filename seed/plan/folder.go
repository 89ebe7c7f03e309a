package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/dbake/dbake/spec"
)

// Dumps gives one Object for each dump that objects stand for: the files of a
// dump folder become one, with their prefix, their size in all, the time of the
// latest, and as ETag a digest of all their names and ETags.
func Dumps(objects []Object) []Object {
	var out []Object
	for i := 0; i < len(objects); {
		n := Together(objects[i:])
		if objects[i].File == "" {
			out = append(out, objects[i])
		} else {
			out = append(out, folder(objects[i:i+n]))
		}
		i += n
	}
	return out
}

// Together is how many of the first objects make one dump.
func Together(objects []Object) int {
	n := 1
	for objects[0].File != "" && n < len(objects) && objects[n].File != "" && objects[n].Dump == objects[0].Dump {
		n++
	}
	return n
}

func folder(files []Object) Object {
	location := files[0].Location
	location.Key = strings.TrimSuffix(location.Key, files[0].File)
	location.Path = strings.TrimSuffix(strings.TrimSuffix(location.Path, files[0].File), "/")
	location.Kind = spec.KindContextFolder
	if location.Bucket != "" {
		location.Kind = spec.KindS3Prefix
	}
	out := Object{Dump: files[0].Dump, Location: location}
	digest, pinned := sha256.New(), false
	for _, f := range files {
		out.Size += f.Size
		if f.Modified.After(out.Modified) {
			out.Modified = f.Modified
		}
		pinned = pinned || f.ETag != ""
		digest.Write([]byte(f.File + "\x00" + f.ETag + "\n"))
	}
	if pinned {
		out.ETag = `"` + hex.EncodeToString(digest.Sum(nil)) + `"`
	}
	return out
}
