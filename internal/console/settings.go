package console

import (
	"net/http"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/platform/httpx"
	"github.com/stoa-town/stoa/internal/platform/settings"
)

// settingsView is what the page of settings shows.
type settingsView struct {
	Groups []settings.Group
	Typed  map[string]string // what was refused
	Group  string            // whose form that was
	Done   string
	Err    error
}

// value is what the field of a setting holds.
func (v settingsView) value(st settings.State) string {
	if typed, ok := v.Typed[st.Name]; ok {
		return typed
	}
	return st.Value
}

// err is what was wrong with the form of a group.
func (v settingsView) err(group string) error {
	if v.Group == group {
		return v.Err
	}
	return nil
}

func (s *Service) handleSettings(w http.ResponseWriter, r *http.Request) error {
	return httpx.Render(w, r, http.StatusOK, settingsPage(settingsView{Groups: s.Settings.Groups(r.Context()), Done: done(r)}))
}

func (s *Service) handleChange(w http.ResponseWriter, r *http.Request) error {
	if err := httpx.DecodeForm(w, r, &struct{}{}); err != nil { // reads the form and bounds it
		return err
	}
	ctx := r.Context()
	changes, typed := map[string]*string{}, map[string]string{}
	for key, values := range r.PostForm {
		if st, ok := s.Settings.Get(ctx, key); ok && st.From == "" {
			v := values[0]
			typed[key] = v
			if v != st.Value {
				changes[key] = &v
			}
		}
	}
	if err := s.Settings.Change(ctx, changes); err != nil {
		v := settingsView{Groups: s.Settings.Groups(ctx), Typed: typed, Group: r.PostForm.Get("group"), Err: err}
		return account.Again(w, r, err, settingsPage(v))
	}
	return httpx.Redirect(w, r, "/admin/settings?done=settings")
}

func (s *Service) handleReset(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	if _, ok := s.Settings.Get(r.Context(), key); !ok {
		return errs.New(errs.NotFound, "There is no such setting here.")
	}
	if err := s.Settings.Change(r.Context(), map[string]*string{key: nil}); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/admin/settings?done=settings")
}

// historyView is what the history of settings shows.
type historyView struct {
	Key     string
	List    page.Page[settings.Changed]
	Next    string
	Done    string
	labelOf func(key string) string
}

func (s *Service) handleHistory(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	list, err := s.Settings.History(r.Context(), q.Get("key"), q.Get("cursor"), 50)
	if err != nil {
		return err
	}
	label := func(key string) string {
		if st, ok := s.Settings.Get(r.Context(), key); ok {
			return st.Label
		}
		return key
	}
	return httpx.Render(w, r, http.StatusOK, historyPage(historyView{q.Get("key"), list, more("/admin/settings/history", q, list.Next), done(r), label}))
}

func (s *Service) handlePutBack(w http.ResponseWriter, r *http.Request) error {
	change, err := pathID(r, "id")
	if err != nil {
		return err
	}
	if err := s.Settings.PutBack(r.Context(), change); err != nil {
		return err
	}
	return httpx.Redirect(w, r, "/admin/settings/history?done=settings")
}
