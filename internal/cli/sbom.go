package cli

import (
	"encoding/json"
	"io"
	"runtime/debug"
	"strings"
)

// bill is a list of what a program is made of, as CycloneDX 1.6 has it: what scanners of known faults read.
type bill struct {
	Format     string `json:"bomFormat"`
	Spec       string `json:"specVersion"`
	Version    int    `json:"version"`
	Components []part `json:"components"`
	Metadata   struct {
		Component part `json:"component"`
	} `json:"metadata"`
}

// part is a module, or the program itself.
type part struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl,omitempty"`
}

// writeBill writes what info says is linked into this program: neither more nor less than is in it.
func writeBill(w io.Writer, info *debug.BuildInfo) error {
	b := bill{Format: "CycloneDX", Spec: "1.6", Version: 1}
	b.Metadata.Component = part{Type: "application", Ref: "stoa", Name: "stoa", Version: Version}
	add := func(name, version string) {
		p := "pkg:golang/" + name + "@" + version
		b.Components = append(b.Components, part{Type: "library", Ref: p, Name: name, Version: version, PURL: p})
	}
	add("std", strings.TrimPrefix(info.GoVersion, "go"))
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		add(m.Path, m.Version)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(b)
}
