// Package upstream is the API behind the conformance fixtures: it answers with
// text, a picture, a sound, bytes and an error.
package upstream

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/textproto"
)

// New returns the API. It keeps no state; changed is called when somebody asks
// for a change of "tools" or "prompts".
func New(changed func(what string)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /message", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"message": "This is a simple text response for testing."})
	})
	mux.HandleFunc("GET /picture", bytesOf("image/png", picture()))
	mux.HandleFunc("GET /sound", bytesOf("audio/wav", sound()))
	mux.HandleFunc("GET /archive", bytesOf("application/gzip", archive()))
	mux.HandleFunc("GET /mixture", mixture)
	mux.HandleFunc("GET /refusal", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusConflict, map[string]any{"message": "This tool intentionally returns an error for testing"})
	})
	mux.HandleFunc("GET /stages/{stage}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, map[string]any{"stage": r.PathValue("stage")})
	})
	mux.HandleFunc("GET /records/{id}", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		answer(w, http.StatusOK, map[string]any{"id": id, "templateTest": true, "data": "Data for ID: " + id})
	})
	mux.HandleFunc("POST /changes/{what}", func(w http.ResponseWriter, r *http.Request) {
		changed(r.PathValue("what"))
		answer(w, http.StatusOK, map[string]any{"changed": r.PathValue("what")})
	})
	return mux
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever went away needs no answer
}

func bytesOf(mediaType string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		_, _ = w.Write(body)
	}
}

// mixture answers with a sentence, a picture and a record (RFC 2046).
func mixture(w http.ResponseWriter, _ *http.Request) {
	parts := multipart.NewWriter(w)
	w.Header().Set("Content-Type", "multipart/mixed; boundary="+parts.Boundary())
	for _, p := range []struct {
		header textproto.MIMEHeader
		body   []byte
	}{
		{textproto.MIMEHeader{"Content-Type": {"text/plain"}}, []byte("Multiple content types test:")},
		{textproto.MIMEHeader{"Content-Type": {"image/png"}}, picture()},
		{textproto.MIMEHeader{"Content-Type": {"application/json"}, "Content-Location": {"test://mixed-content-resource"}}, []byte(`{"test":"data","value":123}`)},
	} {
		if part, err := parts.CreatePart(p.header); err == nil {
			_, _ = part.Write(p.body)
		}
	}
	_ = parts.Close()
}

// picture is one red pixel.
func picture() []byte {
	img := image.NewRGBA(image.Rect(0, 0, 1, 1))
	img.Set(0, 0, color.RGBA{R: 255, A: 255})
	var b bytes.Buffer
	_ = png.Encode(&b, img) // into memory
	return b.Bytes()
}

// sound is a hundredth of a second of silence: RIFF/WAVE, PCM, mono, 8 kHz, 8 bits.
func sound() []byte {
	samples := bytes.Repeat([]byte{128}, 80)
	b := append([]byte("RIFF"), 0, 0, 0, 0)
	b = append(b, "WAVEfmt "...)
	for _, field := range []any{uint32(16), uint16(1), uint16(1), uint32(8000), uint32(8000), uint16(1), uint16(8)} {
		b, _ = binary.Append(b, binary.LittleEndian, field) // of fixed size
	}
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(samples)))
	b = append(b, samples...)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

// archive is a file that is neither picture nor sound.
func archive() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte("This is an embedded resource content.\n"))
	_ = z.Close()
	return b.Bytes()
}
