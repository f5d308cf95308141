package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// rawRow is a restaurant as the bare handler lists it.
type rawRow struct {
	ID       int64   `json:"id,string"`
	Slug     string  `json:"slug"`
	Name     string  `json:"name"`
	Blurb    string  `json:"blurb"`
	Cuisines string  `json:"cuisines"`
	Street   string  `json:"street"`
	Fee      int64   `json:"fee"`
	Minimum  int64   `json:"minimum"`
	MinIn    int64   `json:"min_in"`
	MaxIn    int64   `json:"max_in"`
	Lat      float64 `json:"lat"`
	Lon      float64 `json:"lon"`
}

// pageBytes is about the length of twenty statuses.
const pageBytes = 46_000

// serveRaw is the ceiling that others are measured against: a bare net/http handler that does one indexed read of 20 rows from SQLite and
// encodes them with encoding/json. It knows no people, no limits and no errors. At /page it
// serves bytes without reading anything.
func serveRaw(dir string) error {
	d, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "raw.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)")
	if err != nil {
		return err
	}
	defer d.Close()
	d.SetMaxOpenConns(8)
	d.SetMaxIdleConns(8)
	ctx := context.Background()
	if _, err := d.ExecContext(ctx, `CREATE TABLE place (id INTEGER PRIMARY KEY, town INTEGER NOT NULL, slug TEXT NOT NULL, name TEXT NOT NULL, blurb TEXT NOT NULL,
		cuisines TEXT NOT NULL, street TEXT NOT NULL, fee INTEGER NOT NULL, minimum INTEGER NOT NULL, min_in INTEGER NOT NULL, max_in INTEGER NOT NULL,
		lat REAL NOT NULL, lon REAL NOT NULL) STRICT; CREATE INDEX place_town ON place (town, id)`); err != nil {
		return err
	}
	for i := range 2000 {
		if _, err := d.ExecContext(ctx, `INSERT INTO place (id, town, slug, name, blurb, cuisines, street, fee, minimum, min_in, max_in, lat, lon)
			VALUES ($1, $2, $3, $4, 'Slow food from around the corner, cooked to order.', 'indian, vegan', 'Market Street 12', 250, 1200, 25, 40, 52.52, 13.4)`,
			i, i/40, fmt.Sprintf("restaurant-%d", i), fmt.Sprintf("Restaurant %d", i)); err != nil {
			return err
		}
	}
	read, err := d.PrepareContext(ctx, `SELECT id, slug, name, blurb, cuisines, street, fee, minimum, min_in, max_in, lat, lon FROM place WHERE town = $1 ORDER BY id LIMIT 20`)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "ready at http://"+l.Addr().String())
	page := bytes.Repeat([]byte("x"), pageBytes)
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			w.Header().Set("Content-Type", "application/json")
			w.Write(page)
			return
		}
		rows, err := read.QueryContext(r.Context(), 7)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer rows.Close()
		out := make([]rawRow, 0, 20)
		for rows.Next() {
			var p rawRow
			if err := rows.Scan(&p.ID, &p.Slug, &p.Name, &p.Blurb, &p.Cuisines, &p.Street, &p.Fee, &p.Minimum, &p.MinIn, &p.MaxIn, &p.Lat, &p.Lon); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			out = append(out, p)
		}
		if err := rows.Err(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"items": out})
	}))
}
