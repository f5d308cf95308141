package security

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"mime/multipart"
	"net/textproto"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// zeros is a PNG of w by h that is all zero; cut leaves its last bytes away.
func zeros(w, h uint32, depth, colour byte, row int, cut bool) []byte {
	var out bytes.Buffer
	out.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		binary.Write(&out, binary.BigEndian, uint32(len(data)))
		body := append([]byte(kind), data...)
		out.Write(body)
		binary.Write(&out, binary.BigEndian, crc32.ChecksumIEEE(body))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	chunk("IHDR", append(head, depth, colour, 0, 0, 0))
	var packed bytes.Buffer
	z, _ := zlib.NewWriterLevel(&packed, zlib.BestSpeed)
	line := make([]byte, row+1)
	for range h {
		z.Write(line)
	}
	z.Close()
	data := packed.Bytes()
	if cut {
		data = data[:len(data)-64]
	}
	chunk("IDAT", data)
	chunk("IEND", nil)
	return out.Bytes()
}

// bombs are small files that would unpack to much.
func bombs() map[string][]byte {
	gif := []byte("GIF89a\xff\xff\xff\xff\xf7\x00\x00" + strings.Repeat("\x00", 768) + "\x2c\x00\x00\x00\x00\xff\xff\xff\xff\x00\x08")
	jpeg := []byte("\xff\xd8\xff\xc2\x00\x11\x08\xff\xdc\xff\xdc\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01")
	return map[string][]byte{
		"100 MP in colour":         zeros(10_000, 10_000, 8, 2, 30_000, false),
		"900 MP of 1 bit":          zeros(30_000, 30_000, 1, 0, 3750, false),
		"24 MP of 16 bits":         zeros(6000, 4000, 16, 6, 48_000, false),
		"95 MB that end too early": zeros(4870, 4870, 8, 6, 4870*4, true),
		"80 MB that end too early": zeros(4470, 4470, 8, 6, 4470*4, true),
		"a GIF of 4 gigapixels":    append(gif, bytes.Repeat([]byte{0xff, 0}, 1000)...),
		"a JPEG of 4 gigapixels":   append(jpeg, bytes.Repeat([]byte{0}, 4000)...),
		"a chunk of 2 GB":          []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90\x77\x53\xde\x7f\xff\xff\xffIDAT"),
		"a WebP of 16383 squared":  []byte("RIFF\x1e\x00\x00\x00WEBPVP8L\x12\x00\x00\x00\x2f\xff\xff\xff\x0f\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
	}
}

// memory returns what the server's process holds, and the most that it ever did, in MB.
func memory(t *testing.T, pid int) (now, most int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skipf("skipped: this system (%s) does not tell what memory a process has: %v", runtime.GOOS, err)
	}
	for line := range strings.Lines(string(text)) {
		var kb int
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kb); n == 1 {
			now = kb >> 10
		}
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			most = kb >> 10
		}
	}
	return now, most
}

// processor returns how long the server's process has run on the processors.
func processor(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	var user, system int64
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')'):]))
	fmt.Sscan(fields[12], &user)
	fmt.Sscan(fields[13], &system)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// TestImageBombsAreRefusedWithoutBeingUnpacked sends 20 at once, several times, and watches the memory of the process.
func TestImageBombsAreRefusedWithoutBeingUnpacked(t *testing.T) {
	const (
		atOnce  = 20
		grow    = 100 // MB
		refused = time.Second
	)
	w := newTown(t)
	path := "/restaurant/" + w.known["slug"] + "/menu/items/" + w.known["item"]
	var menu struct {
		Sections []struct {
			ID string `json:"id"`
		} `json:"sections"`
	}
	w.admin.Want(t, 200, "GET", "/restaurants/"+w.known["slug"]+"/menu", nil, &menu)
	if len(menu.Sections) == 0 {
		t.Fatal("the menu has no sections")
	}
	send := func(name string, body []byte) (int, string, time.Duration) {
		var form bytes.Buffer
		m := multipart.NewWriter(&form)
		for k, v := range map[string]string{"name": "Dal", "price": "6.50", "section": menu.Sections[0].ID, "tax": "food"} {
			m.WriteField(k, v)
		}
		h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="photo"; filename="a.png"`}, "Content-Type": {"image/png"}}
		p, err := m.CreatePart(h)
		if err != nil {
			t.Error(err)
		}
		p.Write(body)
		m.Close()
		began := time.Now()
		res := w.ask(t, "POST", path, &form, "Content-Type", m.FormDataContentType(), "Authorization", "Bearer "+w.admin.Token, "Accept", "application/json")
		return res.StatusCode, string(res.text), time.Since(began)
	}
	if status, text, _ := send("good", zeros(64, 64, 8, 2, 192, false)); status != 303 {
		t.Fatalf("a good picture = %d %s", status, text)
	}
	before, _ := memory(t, w.PID())
	all := bombs()
	// Each alone first: then the time is its own.
	for name, body := range all {
		best := time.Hour
		for range 3 {
			used := processor(t, w.PID())
			status, text, took := send(name, body)
			best = min(best, took, processor(t, w.PID())-used+10*time.Millisecond)
			if status < 400 || status > 499 {
				t.Errorf("%s (%d bytes) = %d %s", name, len(body), status, text)
			}
			if best <= refused {
				break
			}
		}
		if best > refused {
			t.Errorf("%s: refused after %v; want %v", name, best, refused)
		}
	}
	for name, body := range all {
		var wg sync.WaitGroup
		for range atOnce {
			wg.Go(func() {
				if status, text, _ := send(name, body); status < 400 || status > 499 {
					t.Errorf("%s, %d at once = %d %s", name, atOnce, status, text)
				}
			})
		}
		wg.Wait()
	}
	_, most := memory(t, w.PID())
	t.Logf("%d MB before, at most %d", before, most)
	if most-before > grow {
		t.Errorf("the process grew by %d MB, from %d; want at most %d", most-before, before, grow)
	}
	if status, text, _ := send("good", zeros(80, 80, 8, 2, 240, false)); status != 303 {
		t.Errorf("after all that a good picture = %d %s", status, text)
	}
}
