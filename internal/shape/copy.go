package shape

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/value"
)

// copy appends the value at the place, which has been read before, byte for byte
// as Value.AppendJSON writes it. It copies nothing when the meter has failed.
func (s *scan) copy(dst []byte, at span) []byte {
	if !s.reads(at) || !s.meter.Hold(int64(at.end-at.start)) {
		return dst
	}
	out, _, ok := s.copyValue(slices.Grow(dst, at.end-at.start), at.start)
	if ok {
		return out
	}
	v, _ := value.Parse(s.src[at.start:at.end])
	return v.AppendJSON(out[:len(dst)])
}

// copyValue is copy without knowing the end. ok is false when the value must be
// parsed: an object has two members of one name, or too many to tell.
func (s *scan) copyValue(dst []byte, i int) (out []byte, end int, ok bool) {
	switch s.src[i] {
	case '"':
		end, escaped := skipString(s.src, i)
		return s.copyString(dst, s.src[i:end], escaped), end, true
	case '{', '[':
		first := len(s.names)
		dst, end, ok = s.copyContainer(dst, i, first)
		s.names = s.names[:first]
		return dst, end, ok
	default:
		end = s.value(nil, 0, i, 0)
		return append(dst, s.src[i:end]...), end, true
	}
}

func (s *scan) copyContainer(dst []byte, i, first int) (out []byte, end int, ok bool) {
	src, open := s.src, s.src[i]
	closing := open + 2 // in ASCII, of both kinds
	dst = append(dst, open)
	for i = space(src, i+1); src[i] != closing; i = space(src, i) {
		if src[i] == ',' {
			dst = append(dst, ',')
			i = space(src, i+1)
		}
		if open == '{' {
			end, escaped := skipString(src, i)
			start := len(dst)
			dst = s.copyString(dst, src[i:end], escaped)
			if !s.isNew(dst, span{start, len(dst)}, first) {
				return dst, 0, false
			}
			dst = append(dst, ':')
			i = space(src, space(src, end)+1)
		}
		if dst, i, ok = s.copyValue(dst, i); !ok {
			return dst, 0, false
		}
	}
	return append(dst, closing), i + 1, true
}

// manyNames is the number of members up to which names are compared one by one.
const manyNames = 48

func (s *scan) isNew(dst []byte, name span, first int) bool {
	seen := s.names[first:]
	if len(seen) >= manyNames {
		return false
	}
	for _, n := range seen {
		if n.end-n.start == name.end-name.start && bytes.Equal(dst[n.start:n.end], dst[name.start:name.end]) {
			return false
		}
	}
	s.names = append(s.names, name)
	return true
}

func (s *scan) copyString(dst, quoted []byte, escaped bool) []byte {
	if !escaped {
		return append(dst, quoted...)
	}
	s.scratch, _ = jsontext.AppendUnquote(s.scratch[:0], quoted)
	dst, _ = jsontext.AppendQuote(dst, s.scratch)
	return dst
}
