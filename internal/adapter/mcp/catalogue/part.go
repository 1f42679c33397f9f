package catalogue

import (
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// Part is what of a list a parameter chooses.
type Part uint8

const (
	NoPart   Part = iota
	Position      // after how many items it begins
	Page          // which page, by number or by what the one before says of it
	Size          // how many items
	Filter        // which items, or what of them
	parts
)

// partNames are what APIs call such parameters, plain and in lower case.
var partNames = [parts]string{
	Position: " offset skip start startat startindex ",
	Page: " page cursor after before startingafter pagetoken nexttoken continuationtoken " +
		"pagenumber pageindex marker ",
	Size:   " limit pagesize perpage count maxresults top size rowlimit resultsperpage maxrecords ",
	Filter: " fields filter query q select search since ",
}

// plainName takes from names what APIs write differently.
var plainName = strings.NewReplacer("_", "", "-", "", ".", "", "$", "", "[", "", "]", "", " ", "")

// PartOf is what a parameter chooses, by its name.
func PartOf(name string) Part {
	plain := " " + plainName.Replace(strings.ToLower(name)) + " "
	for part, names := range partNames {
		if strings.Contains(names, plain) {
			return Part(part)
		}
	}
	return NoPart
}

// Given is what a call gives for an argument, else its default.
func (t *Tool) Given(values []value.Value, arg int) value.Value {
	a := &t.Args[arg]
	if a.index < len(values) && !values[a.index].IsAbsent() {
		return values[a.index]
	}
	if a.Schema != nil {
		return a.Schema.Default
	}
	return value.Value{}
}
