package upstream

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow is the largest window that the content coding zstd may ask for (RFC 9659).
const zstdWindow = 8 << 20

// decoders asks for encoded answers and decodes them. It keeps readers for use
// by later answers.
type decoders struct {
	offered        []string // the value of Accept-Encoding; shared, not to be changed
	gzip, zstd, br sync.Pool
}

// decoder is what the readers have in common.
type decoder interface {
	io.Reader
	Reset(io.Reader) error
}

// offer asks for an encoded answer, unless the document says what it wants or a
// part of the answer is asked for.
func (d *decoders) offer(req *http.Request) {
	if req.Method != http.MethodHead && req.Header["Accept-Encoding"] == nil && req.Header["Range"] == nil {
		req.Header["Accept-Encoding"] = d.offered
	}
}

// decode makes an answer encoded with gzip, zstd or brotli one that is not. Other
// encodings stay.
func (d *decoders) decode(resp *http.Response) {
	if len(resp.Header["Content-Encoding"]) != 1 || resp.ContentLength == 0 || resp.Body == http.NoBody {
		return
	}
	body := &decoded{encoded: resp.Body}
	switch strings.ToLower(resp.Header["Content-Encoding"][0]) {
	case "gzip", "x-gzip":
		body.pool, body.open = &d.gzip, func() (decoder, error) { return new(gzip.Reader), nil }
	case "zstd":
		body.pool, body.open = &d.zstd, func() (decoder, error) {
			return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
		}
	case "br":
		body.pool, body.open = &d.br, func() (decoder, error) { return brotli.NewReader(nil), nil }
	default:
		return
	}
	delete(resp.Header, "Content-Encoding")
	delete(resp.Header, "Content-Length")
	resp.ContentLength, resp.Uncompressed, resp.Body = -1, true, body
}

// decoded is an encoded body. It takes a decoder when it is first read and gives
// it back when it is closed.
type decoded struct {
	encoded io.ReadCloser
	pool    *sync.Pool
	open    func() (decoder, error)
	by      decoder
	err     error
}

func (d *decoded) Read(p []byte) (int, error) {
	if d.by == nil && d.err == nil {
		d.err = d.begin()
	}
	if d.err != nil {
		return 0, d.err
	}
	n, err := d.by.Read(p)
	if err != nil {
		d.err = err
	}
	return n, err
}

func (d *decoded) begin() (err error) {
	by, ok := d.pool.Get().(decoder)
	if !ok {
		if by, err = d.open(); err != nil {
			return err
		}
	}
	if err = by.Reset(d.encoded); err != nil {
		return err // io.EOF for an empty body
	}
	d.by = by
	return nil
}

func (d *decoded) Close() error {
	if d.by != nil {
		if z, ok := d.by.(*zstd.Decoder); ok {
			_ = z.Reset(nil) // lets go of the body
		}
		d.pool.Put(d.by)
		d.by = nil
	}
	d.err = http.ErrBodyReadAfterClose
	return d.encoded.Close()
}
