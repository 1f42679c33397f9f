package secret

import "strings"

// longText is the length from which a text is gone through once for all needles, and
// not once for each.
const longText = 1 << 10

// cores finds the cores of needles by how they begin. The zero cores knows none yet.
type cores struct {
	seen *[1 << 10]uint64 // a bit for each beginning, by its hash
	by   map[uint32][]int // needles, by how their cores begin
}

// in reports whether the core of a needle stands in text. All cores have minimum bytes
// at least.
func (c *cores) in(text string, needles []needle) bool {
	if c.seen == nil {
		c.seen, c.by = new([1 << 10]uint64), make(map[uint32][]int, len(needles))
		for i, n := range needles {
			at := beginning(n.core)
			h := hashed(at)
			c.seen[h/64] |= 1 << (h % 64)
			c.by[at] = append(c.by[at], i)
		}
	}
	if len(text) < minimum {
		return false
	}
	for at, i := beginning(text)<<8, minimum-1; i < len(text); i++ {
		at = at>>8 | uint32(text[i])<<24
		h := hashed(at)
		if c.seen[h/64]&(1<<(h%64)) == 0 {
			continue
		}
		for _, n := range c.by[at] {
			if strings.HasPrefix(text[i-minimum+1:], needles[n].core) {
				return true
			}
		}
	}
	return false
}

// beginning is the first four bytes of a text.
func beginning(text string) uint32 {
	return uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24
}

// hashed is a number of 16 bits (Knuth's multiplicative hash).
func hashed(n uint32) uint32 { return n * 2654435761 >> 16 }
