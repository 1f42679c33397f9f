package diag

import "strings"

// Near returns the candidate that was probably meant by word: the one at the
// least optimal-string-alignment distance (insertions, deletions, replacements
// and swaps of neighbours), if that is close enough for the length of word. A
// candidate that differs only in case, dashes and underscores is half an edit
// away. Of equally near ones it is the first in byte order, whatever their
// order in candidates. A candidate equal to word is no suggestion.
func Near(word string, candidates []string) (string, bool) {
	runes, folded := []rune(word), []rune(fold(word))
	if len(runes) == 0 || len(runes) > longestNear {
		return "", false
	}
	// Distances are doubled, so that half an edit is 1.
	best, limit := "", max(1, 2*min(3, len(runes)/3))
	for _, c := range candidates {
		if c == word || len(c) > 4*longestNear {
			continue
		}
		d := min(2*distance(runes, []rune(c)), 1+2*distance(folded, []rune(fold(c))))
		if d < limit || d == limit && (best == "" || c < best) {
			best, limit = c, d
		}
	}
	return best, best != ""
}

// Meant is the hint that names what Near found, or else the other one.
func Meant(word string, candidates []string, otherwise string) string {
	if near, ok := Near(word, candidates); ok {
		return "Did you mean “" + near + "”?"
	}
	return otherwise
}

// Edits is how many edits lie between two words, case, dashes and underscores
// set aside. It counts no further than their lengths differ.
func Edits(a, b string) int {
	x, y := []rune(fold(a)), []rune(fold(b))
	if apart := max(len(x)-len(y), len(y)-len(x)); apart > longestNear/10 || max(len(x), len(y)) > longestNear {
		return apart
	}
	return distance(x, y)
}

// longestNear is the longest word, in code points, that gets a suggestion.
const longestNear = 100

var separators = strings.NewReplacer("-", "", "_", "")

func fold(s string) string { return separators.Replace(strings.ToLower(s)) }

// distance is the optimal string alignment distance of a and b.
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
