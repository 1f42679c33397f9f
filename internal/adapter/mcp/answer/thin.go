package answer

// thin is compact JSON text in which each item of an array is 0 that stands behind n
// bytes of items: there are as many as before, and what is cut to n bytes is the same.
// A tree of all of them would take several times the memory of the text. It changes text.
func thin(text []byte, n int) []byte {
	out := text[:0]
	var open []int // where the items of the open arrays begin in out; -1 for objects
	for i := 0; i < len(text); {
		c := text[i]
		switch c {
		case '"':
			end := pastString(text, i)
			out = append(out, text[i:end]...)
			i = end
			continue
		case '[':
			open = append(open, len(out)+1)
		case '{':
			open = append(open, -1)
		case ']', '}':
			open = open[:max(len(open)-1, 0)]
		case ',':
			if at := len(open) - 1; at >= 0 && open[at] >= 0 && len(out)-open[at] > n {
				i = pastValue(text, i+1)
				out = append(out, ',', '0')
				continue
			}
		}
		out = append(out, c)
		i++
	}
	return out
}

// pastString is where the string that begins at i has ended.
func pastString(text []byte, i int) int {
	for i++; i < len(text) && text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(text))
}

// pastValue is where the value that begins at i has ended.
func pastValue(text []byte, i int) int {
	for depth := 0; i < len(text); {
		switch text[i] {
		case '"':
			i = pastString(text, i)
			continue
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}
