package security

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source calls look for every Go file of the server that is no test.
func source(t *testing.T, look func(path string, f *ast.File, at func(ast.Node) string)) {
	t.Helper()
	set, files := token.NewFileSet(), 0
	for _, root := range []string{"../../internal", "../../cmd"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				if d != nil && d.IsDir() && d.Name() == "node_modules" {
					return fs.SkipDir
				}
				return err
			}
			f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			files++
			look(filepath.ToSlash(path), f, func(n ast.Node) string { return set.Position(n.Pos()).String() })
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Fatalf("only %d files were read", files)
	}
}

// outside are the packages that may make connections of their own, and to whom.
var outside = map[string]string{
	"internal/platform/fetch/":          "the guard itself",
	"internal/delivery/payment/stripe/": "the card provider of the settings",
	"internal/platform/mail/":           "the mail server of the settings",
	"internal/platform/db/":             "the database of the settings",
	"internal/platform/events/":         "the NATS servers of the settings",
	"internal/platform/httpx/tls_":      "the certificate's authority of the settings",
	"internal/platform/httpx/":          "listens only",
}

// TestOnlyFetchAsksOtherServers reads the source: no other package uses a client of net/http or dials.
func TestOnlyFetchAsksOtherServers(t *testing.T) {
	clients := map[string][]string{
		"http": {"Get", "Post", "PostForm", "Head", "DefaultClient", "DefaultTransport", "Client", "Transport"}, "net": {"Dial", "DialTimeout", "DialTCP", "DialUDP", "Dialer"},
		"tls": {"Dial", "DialWithDialer", "Dialer"},
	}
	source(t, func(path string, f *ast.File, at func(ast.Node) string) {
		for dir := range outside {
			if strings.Contains(path, dir) {
				return
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if star, ok := n.(*ast.StarExpr); ok { // a *http.Client that is given
				if s, ok := star.X.(*ast.SelectorExpr); ok && s.Sel.Name == "Client" {
					return false
				}
			}
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && slices.Contains(clients[x.Name], s.Sel.Name) {
				t.Errorf("%s: %s.%s: what asks other servers goes through platform/fetch", at(n), x.Name, s.Sel.Name)
			}
			return true
		})
	})
}

// TestNoStatementIsPutTogetherOfValues reads the source: the text of every statement is a constant, or made of constants.
func TestNoStatementIsPutTogetherOfValues(t *testing.T) {
	constants := map[string]bool{} // by name, in all packages
	source(t, func(_ string, f *ast.File, _ func(ast.Node) string) {
		ast.Inspect(f, func(n ast.Node) bool {
			if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.CONST {
				for _, spec := range d.Specs {
					for _, name := range spec.(*ast.ValueSpec).Names {
						constants[name.Name] = true
					}
				}
			}
			return true
		})
	})
	methods := []string{"Exec", "Query", "QueryRow", "Each", "QueryContext", "ExecContext", "QueryRowContext"}
	source(t, func(path string, f *ast.File, at func(ast.Node) string) {
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			s, ok := c.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains(methods, s.Sel.Name) {
				return true
			}
			for _, a := range c.Args {
				if bad := assembled(a, constants); bad != nil {
					t.Errorf("%s: a statement is put together here: give its values as $1, $2, …", at(bad))
				}
			}
			return true
		})
	})
}

// assembled returns the part of an expression that puts SQL together of what is no constant, such as fmt.Sprintf or a text plus a variable.
func assembled(e ast.Expr, constants map[string]bool) ast.Node {
	sql := func(e ast.Expr) bool {
		lit, ok := e.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return false
		}
		text, err := strconv.Unquote(lit.Value)
		word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
		return err == nil && slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}, word)
	}
	switch e := e.(type) {
	case *ast.CallExpr:
		if s, ok := e.Fun.(*ast.SelectorExpr); ok && (s.Sel.Name == "Sprintf" || s.Sel.Name == "Sprint") && len(e.Args) > 0 && sql(e.Args[0]) {
			return e
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD && (sql(e.X) || assembled(e.X, constants) != nil) {
			if id, ok := e.Y.(*ast.Ident); ok && !constants[id.Name] {
				return e
			}
		}
	}
	return nil
}

// TestNoGeneratorThatCanBeGuessedIsUsed reads the source: math/rand is for what is no secret, in packages that make none.
func TestNoGeneratorThatCanBeGuessedIsUsed(t *testing.T) {
	mayGuess := []string{"internal/demo/", "internal/learn/", "internal/platform/jobs/", "internal/platform/realtime/", "internal/platform/db/", "internal/platform/events/"}
	source(t, func(path string, f *ast.File, at func(ast.Node) string) {
		for _, im := range f.Imports {
			if strings.HasPrefix(im.Path.Value, `"math/rand`) && !slices.ContainsFunc(mayGuess, func(dir string) bool { return strings.Contains(path, dir) }) {
				t.Errorf("%s: %s can be guessed: use crypto/rand", at(im), im.Path.Value)
			}
			hotp := im.Path.Value == `"crypto/sha1"` && strings.Contains(path, "internal/account/totp/") // apps know no other (RFC 6238), and as an HMAC it holds
			if slices.Contains([]string{`"crypto/md5"`, `"crypto/sha1"`, `"crypto/des"`, `"crypto/rc4"`}, im.Path.Value) && !hotp {
				t.Errorf("%s: %s is broken", at(im), im.Path.Value)
			}
			if im.Path.Value == `"net/http/pprof"` || im.Path.Value == `"expvar"` || im.Path.Value == `"unsafe"` {
				t.Errorf("%s: %s shows the inside of the process", at(im), im.Path.Value)
			}
		}
	})
}
