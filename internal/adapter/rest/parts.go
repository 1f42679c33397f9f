package rest

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"

	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

const multipartForm = "multipart/form-data"

// readParts takes the inputs that are members of the body from the parts of a form
// (RFC 7578). A field is its text; a file is a data: URL, of which the body that is
// sent makes a file again. wrong says that the body is no such form, which is noted.
func (x *exchange) readParts(text []byte, contentType string) (wrong, ok bool) {
	if !x.meter.Hold(2 * int64(len(text))) { // for the URLs
		return false, x.unreadable(x.meter.Err())
	}
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return x.badParts(), true
	}
	for form := multipart.NewReader(bytes.NewReader(text), parameters["boundary"]); ; {
		part, err := form.NextPart()
		if err == io.EOF { // one that is wrapped says that the last boundary lacks
			return false, true
		}
		var content []byte
		if err == nil {
			content, err = io.ReadAll(part)
		}
		if err != nil {
			return x.badParts(), true
		}
		x.take(part, content)
	}
}

func (x *exchange) badParts() (wrong bool) {
	x.errors = append(x.errors, fieldError{"body", placeNames[plan.InBody].in, "is not valid " + multipartForm})
	return true
}

// take gives a part to the inputs of its name. The first of several parts counts, for
// a list and an input of any type all.
func (x *exchange) take(part *multipart.Part, content []byte) {
	name, given, taken := part.FormName(), fieldOf(part, content), false
	for i := range x.op.members {
		s := &x.op.members[i]
		if s.key != name {
			continue
		}
		switch earlier := &x.values[s.input]; {
		case earlier.IsAbsent():
			*earlier = given
		case (s.list || s.open) && earlier.Kind() == value.Array:
			earlier.Append(given)
		case s.list || s.open:
			*earlier = value.List(*earlier, given)
		}
		taken = true
	}
	if !taken && !x.nested(name, url.QueryEscape(given.Text()), x.op.members) {
		x.unknown(name, x.op.members, plan.InBody)
	}
}

func fieldOf(part *multipart.Part, content []byte) value.Value {
	filename, kind := part.FileName(), part.Header.Get("Content-Type")
	media, parameters, err := mime.ParseMediaType(kind)
	isText := kind == "" || strings.HasPrefix(media, "text/") || media == "application/json" ||
		strings.HasSuffix(media, "+json")
	if filename == "" && isText {
		return value.Of(string(content))
	}
	if kind = mime.FormatMediaType(media, parameters); err != nil || kind == "" || strings.Contains(kind, ",") {
		kind = "application/octet-stream"
	}
	if filename != "" {
		kind += ";name=" + url.PathEscape(filename)
	}
	return value.Of("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(content))
}
