// Package telemetry is how Stoa tells its operator what it does: a log of JSON lines, metrics for Prometheus, and the two questions that
// machines ask a server (is it alive, can it serve).
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Log formats.
const (
	JSON = "json"
	Text = "text"
)

// Level returns the slog level called debug, info, warn or error, in any case.
func Level(name string) (slog.Level, error) {
	switch strings.ToLower(name) {
	case "debug":
		return slog.LevelDebug, nil
	case "info", "":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("telemetry: %q is no log level: use debug, info, warn or error", name)
}

// NewLogger returns a logger that writes lines of JSON, or of key=value where format is Text, from level on; what is called like a secret
// shows as [redacted]. Records logged with a ctx
// carry its request and trace id.
func NewLogger(w io.Writer, level slog.Level, format string) *slog.Logger {
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: redact}
	if format == Text {
		return slog.New(handler{slog.NewTextHandler(w, o)})
	}
	return slog.New(handler{slog.NewJSONHandler(w, o)})
}

// secret are the names under which nothing is ever logged, alone or behind another word ("oauth_token").
var secret = []string{"password", "passwd", "token", "secret", "cookie", "authorization", "api_key", "private_key", "recovery_code"}

// redact hides the value of what is called like a secret, whatever it is: the last net under whoever logs one by mistake.
func redact(_ []string, a slog.Attr) slog.Attr {
	key := strings.ToLower(a.Key)
	for _, s := range secret {
		if strings.HasSuffix(key, s) {
			return slog.String(a.Key, "[redacted]")
		}
	}
	return a
}

type ctxKey struct{}

type ids struct{ request, trace string }

// WithRequest returns a ctx that carries the id of the request and, where the client sent one, of the trace it belongs to.
func WithRequest(ctx context.Context, request, trace string) context.Context {
	return context.WithValue(ctx, ctxKey{}, ids{request, trace})
}

// RequestID returns the id of the request that ctx belongs to, "" where there is none.
func RequestID(ctx context.Context) string {
	i, _ := ctx.Value(ctxKey{}).(ids)
	return i.request
}

// TraceID returns the 32 hexadecimal digits that name the trace in a W3C traceparent header, "" where the header is not valid.
func TraceID(traceparent string) string {
	p := strings.Split(traceparent, "-")
	if len(p) < 4 || len(p[0]) != 2 || p[0] == "ff" || len(p[1]) != 32 || len(p[2]) != 16 || strings.Trim(p[1], "0") == "" {
		return ""
	}
	if strings.Trim(p[0]+p[1]+p[2], "0123456789abcdef") != "" {
		return ""
	}
	return p[1]
}

// handler adds what ctx knows to each record.
type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if ctx != nil {
		if i, ok := ctx.Value(ctxKey{}).(ids); ok {
			if i.request != "" {
				r.AddAttrs(slog.String("request", i.request))
			}
			if i.trace != "" {
				r.AddAttrs(slog.String("trace", i.trace))
			}
		}
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(a []slog.Attr) slog.Handler { return handler{h.Handler.WithAttrs(a)} }

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }
