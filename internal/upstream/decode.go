package upstream

import (
	"bufio"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow is the largest window that the content coding zstd may ask for (RFC 9659).
const zstdWindow = 8 << 20

// decoders asks for encoded answers and decodes them. It keeps readers for use
// by later answers.
type decoders struct {
	offered                 []string // the value of Accept-Encoding; shared, not to be changed
	gzip, deflate, zstd, br coding
}

// decoded asks for encoded answers and decodes them.
func decoded(c *Client, next sender) sender {
	return func(o *Outbound) (*http.Response, error) {
		c.decoders.offer(o.Request)
		resp, err := next(o)
		if err == nil {
			c.decoders.decode(resp)
		}
		return resp, err
	}
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

// mostCodings is how many encodings one answer may have around another.
const mostCodings = 3

// unencoded are the values of Content-Encoding that say that there is none, as RFC
// 9110 does, and as APIs do that mean a charset.
var unencoded = map[string]bool{"": true, "identity": true, "none": true, "utf-8": true, "utf8": true}

// decode makes an encoded answer one that is not: with gzip, deflate, zstd or
// brotli, also one around another. An answer with any other encoding stays as it
// is, and keeps the header that says so.
func (d *decoders) decode(resp *http.Response) {
	lines := resp.Header["Content-Encoding"]
	if len(lines) == 0 || resp.ContentLength == 0 || resp.Body == http.NoBody {
		return
	}
	var codings []*coding // in the order in which they were applied
	for name := range strings.SplitSeq(strings.ToLower(strings.Join(lines, ",")), ",") {
		if name = strings.TrimSpace(name); unencoded[name] {
			continue
		}
		c := d.coding(name)
		if c == nil || len(codings) == mostCodings {
			return
		}
		codings = append(codings, c)
	}
	delete(resp.Header, "Content-Encoding")
	if len(codings) == 0 {
		return
	}
	for _, c := range slices.Backward(codings) {
		resp.Body = &decodedBody{encoded: resp.Body, coding: c}
	}
	delete(resp.Header, "Content-Length")
	resp.ContentLength, resp.Uncompressed = -1, true
}

// coding is a content coding (RFC 9110 section 8.4.1) and its readers that nobody uses.
type coding struct {
	pool sync.Pool
	open func() (decoder, error)
}

// coding is the one of that name, or nil.
func (d *decoders) coding(name string) *coding {
	switch name {
	case "gzip", "x-gzip":
		return &d.gzip
	case "deflate":
		return &d.deflate
	case "zstd":
		return &d.zstd
	case "br":
		return &d.br
	}
	return nil
}

// newDecoders makes the decoders of a client.
func newDecoders() decoders {
	return decoders{
		offered: []string{"zstd, br, gzip"},
		gzip:    coding{open: func() (decoder, error) { return new(gzip.Reader), nil }},
		deflate: coding{open: func() (decoder, error) { return new(inflater), nil }},
		br:      coding{open: func() (decoder, error) { return brotli.NewReader(nil), nil }},
		zstd: coding{open: func() (decoder, error) {
			return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
				zstd.WithDecoderMaxWindow(zstdWindow))
		}},
	}
}

// inflater reads deflate: with the header of zlib, as RFC 9110 says, or without,
// as some servers send it.
type inflater struct {
	buffered bufio.Reader
	io.Reader
}

func (i *inflater) Reset(encoded io.Reader) (err error) {
	i.buffered.Reset(encoded)
	header, err := i.buffered.Peek(2)
	if len(header) == 0 {
		return err // io.EOF for an empty body
	}
	if len(header) == 2 && header[0]&0x0f == 8 && (int(header[0])<<8|int(header[1]))%31 == 0 {
		i.Reader, err = zlib.NewReader(&i.buffered)
		return err
	}
	i.Reader = flate.NewReader(&i.buffered)
	return nil
}

// decodedBody is an encoded body. It takes a decoder when it is first read and gives
// it back when it is closed.
type decodedBody struct {
	encoded io.ReadCloser
	coding  *coding
	by      decoder
	err     error
}

func (d *decodedBody) Read(p []byte) (int, error) {
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

func (d *decodedBody) begin() (err error) {
	by, ok := d.coding.pool.Get().(decoder)
	if !ok {
		if by, err = d.coding.open(); err != nil {
			return err
		}
	}
	if err = by.Reset(d.encoded); err != nil {
		return err // io.EOF for an empty body
	}
	d.by = by
	return nil
}

func (d *decodedBody) Close() error {
	if d.by != nil {
		if z, ok := d.by.(*zstd.Decoder); ok {
			_ = z.Reset(nil) // lets go of the body
		}
		d.coding.pool.Put(d.by)
		d.by = nil
	}
	d.err = http.ErrBodyReadAfterClose
	return d.encoded.Close()
}
