package diag

import (
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Near returns the candidate that was probably meant by word: the one at the
// least optimal-string-alignment distance (insertions, deletions, replacements
// and swaps of neighbours), if that is close enough for the length of word. A
// candidate that differs only in case, dashes and underscores is half an edit
// away. Of equally near ones it is the first in byte order, whatever their
// order in candidates. A candidate equal to word is no suggestion.
//
// The time that it takes grows with the candidates. Whoever looks for many words
// of one text uses a Finder.
func Near(word string, candidates []string) (string, bool) {
	return new(Finder).Near(word, slices.Values(candidates))
}

// Finder is Near for all the words of one document: a document of a thousand
// misspelt names among a thousand others would take a million comparisons. It
// compares for as long as a person would read what comes of it, and then finds
// nothing more. The zero Finder is ready.
type Finder struct{ spent int }

// mostFinding is what a Finder spends in all, in cells of the tables that compare
// two words; a name that is looked at and not compared costs passing.
const (
	mostFinding = 20_000_000
	passing     = 10
)

// Near is the function of that name, within what is left to spend. It stops
// reading the candidates when nothing is left.
func (f *Finder) Near(word string, candidates iter.Seq[string]) (string, bool) {
	if len(word) > 4*longestNear || f.spent >= mostFinding {
		return "", false
	}
	runes, folded := []rune(word), []rune(Fold(word))
	if len(runes) == 0 || len(runes) > longestNear {
		return "", false
	}
	// Distances are doubled, so that half an edit is 1.
	best, limit := "", max(1, 2*min(3, len(runes)/3))
	for c := range candidates {
		if f.spent += passing; f.spent >= mostFinding {
			break
		}
		if c == word || len(c) > 4*longestNear {
			continue
		}
		other := []rune(Fold(c))
		if apart := len(other) - len(folded); 1+2*max(apart, -apart) > limit &&
			2*max(len([]rune(c))-len(runes), len(runes)-len([]rune(c))) > limit {
			continue
		}
		f.spent += 2 * len(runes) * len(other)
		d := min(2*distance(runes, []rune(c)), 1+2*distance(folded, other))
		if d < limit || d == limit && (best == "" || c < best) {
			best, limit = c, d
		}
	}
	return best, best != ""
}

// Meant is the hint that names what Near found, or else the other one.
func (f *Finder) Meant(word string, candidates iter.Seq[string], otherwise string) string {
	if near, ok := f.Near(word, candidates); ok {
		return "Did you mean “" + near + "”?"
	}
	return otherwise
}

// Edits is how many edits lie between two words, case, dashes and underscores
// set aside; any number above most when there are more.
func Edits(a, b string, most int) int {
	if len(a) > 4*longestNear || len(b) > 4*longestNear {
		return most + 1
	}
	x, y := []rune(Fold(a)), []rune(Fold(b))
	if apart := max(len(x)-len(y), len(y)-len(x)); apart > most {
		return apart
	}
	return distance(x, y)
}

// Some lists names for people: the first few, and how many more there are.
func Some(names []string) string {
	const most = 12
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and " + strconv.Itoa(len(names)-most) + " more"
}

// longestNear is the longest word, in code points, that gets a suggestion.
const longestNear = 100

var separators = strings.NewReplacer("-", "", "_", "")

// Fold is a word without case, dashes and underscores.
func Fold(s string) string { return separators.Replace(strings.ToLower(s)) }

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
