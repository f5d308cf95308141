package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// pkg is what `go list` says of a package.
type pkg struct {
	Dir, ImportPath, Name, Export string
	GoFiles, TestImports          []string
	DepOnly                       bool
	exports                       map[string]string // of all packages it depends on
}

func list(patterns []string) ([]*pkg, error) {
	out, err := exec.Command("go", append([]string{"list", "-export", "-deps", "-json=Dir,ImportPath,Name,Export,GoFiles,TestImports,DepOnly"}, patterns...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var wanted []*pkg
	exports := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &pkg{exports: exports}
		if err := d.Decode(p); err == io.EOF {
			return wanted, nil
		} else if err != nil {
			return nil, err
		}
		exports[p.ImportPath] = p.Export
		if !p.DepOnly {
			wanted = append(wanted, p)
		}
	}
}

// helpers are what faults are made of. n is a fault's number.
const helpers = `
import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

var (
	mutateAwake, _ = strconv.Atoi(os.Getenv("MUTATE"))
	mutateFile     = os.Getenv("MUTATE_SEEN")
	mutateSeen     sync.Map
)

type mutateNumber interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

type mutateInteger interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

type mutateOrdered interface{ mutateNumber | ~string }

func mutateOn(n int) bool {
	if mutateFile != "" {
		if _, old := mutateSeen.LoadOrStore(n, true); !old {
			f, err := os.OpenFile(mutateFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
			if err != nil {
				panic(err)
			}
			fmt.Fprintln(f, n)
			f.Close()
		}
	}
	return n == mutateAwake
}

func mutateNot(n int, v bool) bool { return v != mutateOn(n) }

func mutateLss[T mutateOrdered](n int, a, b T) bool { if mutateOn(n) { return a <= b }; return a < b }
func mutateLeq[T mutateOrdered](n int, a, b T) bool { if mutateOn(n) { return a < b }; return a <= b }
func mutateGtr[T mutateOrdered](n int, a, b T) bool { if mutateOn(n) { return a >= b }; return a > b }
func mutateGeq[T mutateOrdered](n int, a, b T) bool { if mutateOn(n) { return a > b }; return a >= b }

func mutateAdd[T mutateNumber](n int, a, b T) T { if mutateOn(n) { return a - b }; return a + b }
func mutateSub[T mutateNumber](n int, a, b T) T { if mutateOn(n) { return a + b }; return a - b }
func mutateMul[T mutateNumber](n int, a, b T) T { if mutateOn(n) { return a / b }; return a * b }
func mutateQuo[T mutateNumber](n int, a, b T) T { if mutateOn(n) { return a * b }; return a / b }
func mutateRem[T mutateInteger](n int, a, b T) T { if mutateOn(n) { return a * b }; return a % b }
func mutateNeg[T mutateNumber](n int, a T) T { if mutateOn(n) { return a }; return -a }
func mutateOne[T mutateNumber](n int, a T) T { if mutateOn(n) { return 0 - a }; return a }
`

var compared = map[token.Token]string{token.LSS: "Lss", token.LEQ: "Leq", token.GTR: "Gtr", token.GEQ: "Geq", token.EQL: "", token.NEQ: ""}

var counted = map[token.Token]string{token.ADD: "Add", token.SUB: "Sub", token.MUL: "Mul", token.QUO: "Quo", token.REM: "Rem"}

// edit puts text in the place of some bytes. Of those at one place, what ends goes before what begins, and within that what is nested stays so.
type edit struct {
	at, remove int
	text       string
	from, to   int // the expression
	ends       bool
	seq        int
}

// planter makes the faults of a package.
type planter struct {
	fset *token.FileSet
	info *types.Info
	self *types.Package
	file *ast.File
	name string
	src  []byte
	out  []*mutant
	list []edit
}

// plant writes the package with faults in it into work, and returns them and the name of an overlay for the go command.
func plant(p *pkg, work string, o options) ([]*mutant, string, error) {
	w := &planter{fset: token.NewFileSet(), info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}}
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(w.fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, "", err
		}
		files = append(files, f)
	}
	look := func(path string) (io.ReadCloser, error) { return os.Open(p.exports[path]) }
	var err error
	if w.self, err = (&types.Config{Importer: importer.ForCompiler(w.fset, "gc", look)}).Check(p.ImportPath, w.fset, files, w.info); err != nil {
		return nil, "", err
	}
	replace := map[string]string{}
	for i, f := range files {
		path := filepath.Join(p.Dir, p.GoFiles[i])
		if o.skip.MatchString(path) || !o.only.MatchString(path) {
			continue
		}
		if w.src, err = os.ReadFile(path); err != nil {
			return nil, "", err
		}
		w.file, w.name, w.list = f, p.GoFiles[i], nil
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				continue
			}
			ast.Inspect(d, w.visit)
		}
		replace[path] = filepath.Join(work, p.GoFiles[i])
		if err := os.WriteFile(replace[path], w.edited(), 0o644); err != nil {
			return nil, "", err
		}
	}
	extra := filepath.Join(work, "mutate_helpers.go")
	replace[filepath.Join(p.Dir, "mutate_helpers.go")] = extra
	if err := os.WriteFile(extra, []byte("package "+p.Name+"\n"+helpers), 0o644); err != nil {
		return nil, "", err
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, "", err
	}
	overlay := filepath.Join(work, "overlay.json")
	return w.out, overlay, os.WriteFile(overlay, b, 0o644)
}

func (w *planter) offset(p token.Pos) int { return w.fset.Position(p).Offset }

// mutant notes a fault at a place and returns its number.
func (w *planter) mutant(kind string, at token.Pos) int {
	p := w.fset.Position(at)
	line := bytes.Split(w.src, []byte("\n"))[p.Line-1]
	w.out = append(w.out, &mutant{N: len(w.out) + 1, File: w.name, Line: p.Line, Col: p.Column, Kind: kind, Source: string(bytes.TrimSpace(line))})
	return len(w.out)
}

// around puts text before and after a node.
func (w *planter) around(n ast.Node, before, after string) {
	from, to := w.offset(n.Pos()), w.offset(n.End())
	w.list = append(w.list, edit{at: from, text: before, from: from, to: to, seq: len(w.list)}, edit{at: to, text: after, from: from, to: to, ends: true, seq: len(w.list)})
}

func (w *planter) instead(at token.Pos, remove int, text string) {
	w.list = append(w.list, edit{at: w.offset(at), remove: remove, text: text, from: w.offset(at), to: w.offset(at) + remove, seq: len(w.list)})
}

func (w *planter) visit(n ast.Node) bool {
	if e, ok := n.(ast.Expr); ok && w.info.Types[e].Value != nil {
		if u, ok := e.(*ast.UnaryExpr); ok && u.Op == token.SUB {
			if t, ok := w.typeName(u); ok {
				w.around(u.X, fmt.Sprintf("mutateNeg[%s](%d, ", t, w.mutant("INVERT_NEGATIVES", u.OpPos)), ")")
				w.instead(u.OpPos, 1, "")
			}
		}
		return false
	}
	switch x := n.(type) {
	case *ast.BinaryExpr:
		if name, ok := compared[x.Op]; ok {
			w.around(x, fmt.Sprintf("mutateNot(%d, ", w.mutant("CONDITIONALS_NEGATION", x.OpPos)), ")")
			if name != "" {
				w.around(x, fmt.Sprintf("mutate%s(%d, ", name, w.mutant("CONDITIONALS_BOUNDARY", x.OpPos)), ")")
				w.instead(x.OpPos, len(x.Op.String()), ",")
			}
			return true
		}
		if name, ok := counted[x.Op]; ok {
			if b, ok := w.info.Types[x].Type.Underlying().(*types.Basic); !ok || b.Info()&types.IsNumeric == 0 {
				return true
			}
			w.around(x, fmt.Sprintf("mutate%s(%d, ", name, w.mutant("ARITHMETIC_BASE", x.OpPos)), ")")
			w.instead(x.OpPos, 1, ",")
		}
	case *ast.UnaryExpr:
		if x.Op == token.SUB {
			w.around(x.X, fmt.Sprintf("mutateNeg(%d, ", w.mutant("INVERT_NEGATIVES", x.OpPos)), ")")
			w.instead(x.OpPos, 1, "")
		}
	case *ast.IncDecStmt:
		op := map[token.Token]string{token.INC: "+=", token.DEC: "-="}[x.Tok]
		if t, ok := w.typeName(x.X); ok {
			w.instead(x.TokPos, 2, fmt.Sprintf(" %s mutateOne[%s](%d, 1)", op, t, w.mutant("INCREMENT_DECREMENT", x.TokPos)))
		}
	}
	return true
}

// typeName returns how the file can write an expression's type, where it can.
func (w *planter) typeName(e ast.Expr) (string, bool) {
	ok := true
	name := types.TypeString(w.info.Types[e].Type, func(p *types.Package) string {
		if p == w.self {
			return ""
		}
		ok = ok && slices.ContainsFunc(w.file.Imports, func(i *ast.ImportSpec) bool { return strings.Trim(i.Path.Value, `"`) == p.Path() })
		return p.Name()
	})
	return name, ok && !strings.HasPrefix(name, "untyped")
}

// edited returns the file with the edits made.
func (w *planter) edited() []byte {
	slices.SortStableFunc(w.list, func(a, b edit) int {
		switch {
		case a.at != b.at:
			return a.at - b.at
		case a.ends != b.ends:
			if a.ends {
				return -1
			}
			return 1
		case a.ends && a.from != b.from:
			return b.from - a.from // what began last ends first
		case a.ends:
			return b.seq - a.seq
		case a.to != b.to:
			return b.to - a.to // what ends last begins first
		}
		return a.seq - b.seq
	})
	var out bytes.Buffer
	at := 0
	for _, e := range w.list {
		out.Write(w.src[at:e.at])
		out.WriteString(e.text)
		at = e.at + e.remove
	}
	out.Write(w.src[at:])
	return out.Bytes()
}
