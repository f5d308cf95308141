package app

import (
	"net/http"

	"github.com/stoa-town/stoa/internal/social/media"
)

// Room for the files that posts carry: of one person, and of all.
const (
	filesOfPerson = 2 << 30
	filesOfAll    = 100 << 30
)

// media builds what keeps the files of posts.
func (a *App) media() (err error) {
	a.Media, err = media.New(media.Deps{DB: a.DB, Files: a.Files, IDs: a.IDs, Now: a.Now, URL: a.Address, Unlink: a.unlink},
		media.Options{Person: filesOfPerson, Total: filesOfAll})
	if err != nil {
		return err
	}
	a.Media.React(a.Jobs)
	return nil
}

// longBody returns how long the body of a request may be that brings a larger file than others, else 0.
func longBody(r *http.Request) int64 {
	if media.IsUpload(r) {
		return media.MaxFilm + media.MaxPicture + 1<<20
	}
	return 0
}
