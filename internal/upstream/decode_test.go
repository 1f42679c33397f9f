package upstream

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

func gzipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	w.Close()
	return b.Bytes()
}

func brotlied(text string) []byte {
	var b bytes.Buffer
	w := brotli.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	w.Close()
	return b.Bytes()
}

func zlibbed(text string) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	w.Close()
	return b.Bytes()
}

func deflated(text string) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression)
	_, _ = io.WriteString(w, text)
	w.Close()
	return b.Bytes()
}

func zstandard(text string) []byte {
	w, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	defer w.Close()
	return w.EncodeAll([]byte(text), nil)
}

func encodedAs(t *testing.T, encoding string, body []byte) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", encoding)
		_, _ = w.Write(body)
	}).URL
}

func fetch(t *testing.T, c *Client, r *Request) (*http.Response, string, error) {
	t.Helper()
	out, err := r.Outbound(nil, nil, Own{})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Send(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func TestDecode_readsWhatItOffers(t *testing.T) {
	text := strings.Repeat("the quick brown fox ", 20_000)
	c := newClient(t)
	for encoding, body := range map[string][]byte{
		"gzip": gzipped(text), "x-gzip": gzipped(text), "ZSTD": zstandard(text), "br": brotlied(text),
		"deflate": zlibbed(text), " Deflate ": deflated(text),
		"gzip, br": brotlied(string(gzipped(text))), "identity, gzip,gzip": gzipped(string(gzipped(text))),
		"identity": []byte(text), "UTF-8": []byte(text),
	} {
		base := encodedAs(t, encoding, body)
		for range 3 {
			resp, got, err := fetch(t, c, to(t, base, "GET", "/", nil))
			if err != nil || got != text {
				t.Errorf("%s: %d bytes, error %v", encoding, len(got), err)
			}
			if resp.Header["Content-Encoding"] != nil {
				t.Errorf("%s: the header still speaks of an encoding", encoding)
			}
			if len(body) < len(text) && (resp.Header["Content-Encoding"] != nil ||
				resp.Header["Content-Length"] != nil || resp.ContentLength != -1) {
				t.Errorf("%s: the header still speaks of the encoded body: %v", encoding, resp.Header)
			}
		}
	}
}

func TestDecode_servesManyAtOnce(t *testing.T) {
	c := newClient(t)
	bases := map[string]string{"a": encodedAs(t, "gzip", gzipped("aaaa")), "b": encodedAs(t, "zstd", zstandard("bbbb"))}
	var calls sync.WaitGroup
	for range 10 {
		for want, base := range bases {
			calls.Go(func() {
				if _, got, err := fetch(t, c, to(t, base, "GET", "/", nil)); err != nil ||
					got != strings.Repeat(want, 4) {
					t.Errorf("%q, error %v", got, err)
				}
			})
		}
	}
	calls.Wait()
}

func TestDecode_saysWhatItCannotUndo(t *testing.T) {
	for _, encoding := range []string{"compress", "gzip, compress", "gzip, gzip, gzip, gzip", "gzip;q=1"} {
		resp, got, err := fetch(t, newClient(t), to(t, encodedAs(t, encoding, []byte("bytes")), "GET", "/", nil))
		if err != nil || got != "bytes" || resp.Header.Get("Content-Encoding") != encoding {
			t.Errorf("%s: %q, %v, %v", encoding, got, resp.Header, err)
		}
	}
}

func TestDecode_failsForWhatIsBrokenOrCut(t *testing.T) {
	text := strings.Repeat("text ", 1000)
	for name, c := range map[string]struct {
		encoding string
		body     []byte
	}{
		"no gzip":        {"gzip", []byte("plain text, no gzip")},
		"no deflate":     {"deflate", []byte("\xff\xff\xffplain text")},
		"cut deflate":    {"deflate", zlibbed(text)[:20]},
		"cut inside":     {"deflate, gzip", gzipped(string(zlibbed(text)[:20]))},
		"no zstd":        {"zstd", []byte("plain text, no zstd")},
		"cut gzip":       {"gzip", gzipped(text)[:20]},
		"cut zstd":       {"zstd", zstandard(text)[:12]},
		"a wrong digest": {"gzip", append(gzipped(text)[:len(gzipped(text))-8], 0, 0, 0, 0, 0, 0, 0, 0)},
	} {
		if _, got, err := fetch(t, newClient(t), to(t, encodedAs(t, c.encoding, c.body), "GET", "/", nil)); err == nil {
			t.Errorf("%s: read %q", name, got)
		}
	}
}

func TestDecode_refusesAZstdWindowOfMoreThan8MiB(t *testing.T) {
	var b bytes.Buffer
	w, _ := zstd.NewWriter(&b, zstd.WithWindowSize(64<<20), zstd.WithEncoderConcurrency(1))
	_, _ = w.Write(make([]byte, 1<<20))
	_ = w.Flush()
	_, _ = w.Write(make([]byte, 1<<20))
	w.Close()
	if _, got, err := fetch(t, newClient(t), to(t, encodedAs(t, "zstd", b.Bytes()), "GET", "/", nil)); err == nil {
		t.Errorf("read %d bytes", len(got))
	}
}

func TestDecode_leavesAloneWhatHasNoBody(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"empty": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "gzip") },
		"no content": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "zstd")
			w.WriteHeader(204)
		},
		"chunked": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.(http.Flusher).Flush()
		},
	} {
		if _, got, err := fetch(t, newClient(t), to(t, serve(t, h).URL, "GET", "/", nil)); err != nil || got != "" {
			t.Errorf("%s: %q, error %v", name, got, err)
		}
	}
}

func TestDecode_offersEncodingsUnlessTheDocumentChooses(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Offered", r.Header.Get("Accept-Encoding"))
	})
	for want, params := range map[string][]Param{
		"zstd, br, gzip": nil,
		"identity":       {{Name: "Accept-Encoding", Place: InHeader, Value: lit("identity")}},
		"":               {{Name: "Range", Place: InHeader, Value: lit("bytes=0-1")}},
	} {
		r := to(t, s.URL, "GET", "/", nil)
		r.Params = params
		if resp, _, _ := fetch(t, newClient(t), r); resp.Header.Get("X-Offered") != want {
			t.Errorf("offered %q, want %q", resp.Header.Get("X-Offered"), want)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	text := strings.Repeat(`{"id":12345678901234567890,"name":"a thing"},`, 3000)
	for encoding, body := range map[string][]byte{"gzip": gzipped(text), "zstd": zstandard(text)} {
		b.Run(encoding, func(b *testing.B) {
			d := newDecoders()
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				resp := &http.Response{Header: http.Header{"Content-Encoding": {encoding}},
					Body: io.NopCloser(bytes.NewReader(body)), ContentLength: -1}
				d.decode(resp)
				if n, err := io.Copy(io.Discard, resp.Body); err != nil || int(n) != len(text) {
					b.Fatal(n, err)
				}
				resp.Body.Close()
			}
		})
	}
}
