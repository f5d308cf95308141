package realtime

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// frame encodes a message as a Server-Sent Event: seq is its id (none for 0), name its event, and data, a JSON object, gets the topic as
// its first member. JSON that is no object stands under "value".
func frame(seq int64, name, topic string, data []byte) []byte {
	quoted, err := json.Marshal(topic)
	if err != nil {
		quoted = []byte(`""`) // strings never fail
	}
	data = bytes.TrimSpace(data)
	if bytes.ContainsAny(data, "\r\n") {
		var b bytes.Buffer
		if json.Compact(&b, data) == nil {
			data = b.Bytes()
		}
	}
	f := make([]byte, 0, len(name)+len(quoted)+len(data)+64)
	if seq > 0 {
		f = strconv.AppendInt(append(f, "id: "...), seq, 10)
		f = append(f, '\n')
	}
	f = append(append(f, "event: "...), name...)
	f = append(append(f, "\ndata: {\"topic\":"...), quoted...)
	switch {
	case len(data) < 2 || data[0] != '{':
		f = append(append(append(f, `,"value":`...), data...), '}')
	case bytes.Equal(bytes.TrimSpace(data[1:]), []byte{'}'}):
		f = append(f, '}')
	default:
		f = append(append(f, ','), data[1:]...)
	}
	return append(f, "\n\n"...)
}

// notice encodes a message from the hub itself.
func notice(seq int64, name string) []byte {
	f := strconv.AppendInt([]byte("id: "), seq, 10)
	return append(append(append(f, "\nevent: "...), name...), "\ndata: {}\n\n"...)
}
