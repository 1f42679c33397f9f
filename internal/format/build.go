package format

import (
	"slices"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/value"
)

// allowance is what one decode may still make and do.
type allowance struct {
	values int
	meter  *budget.Meter // of the call, or nil
	size   int64         // of a value in memory while it is decoded, in bytes
	unpaid int           // values for which no memory is held yet
}

// again is the same allowance before anything was taken from it: for another pass.
func (a *allowance) again() *allowance {
	return &allowance{values: MaxValues, meter: a.meter, size: a.size}
}

const errTooMany = "the body holds more than 1000000 values"

// payEvery is for how many values memory is taken at once.
const payEvery = 1024

// take spends n values.
func (a *allowance) take(n int) error {
	if a.values -= n; a.values < 0 {
		return fail("%s", errTooMany)
	}
	if a.unpaid += n; a.unpaid >= payEvery {
		a.meter.Hold(int64(a.unpaid) * a.size)
		a.unpaid = 0
	}
	if !a.meter.Steps(n) {
		return a.meter.Err()
	}
	return nil
}

// object collects the members of an object. Unlike value.Value's own Set it
// stays fast when a hostile body has a hundred thousand names.
type object struct {
	members []value.Member
	index   map[string]int // of members, once there are many
}

const indexFrom = 16

// find returns the position of name, or -1.
func (o *object) find(name string) int {
	if o.index != nil {
		if i, ok := o.index[name]; ok {
			return i
		}
		return -1
	}
	for i := len(o.members) - 1; i >= 0; i-- {
		if o.members[i].Name == name {
			return i
		}
	}
	return -1
}

// set adds a member; of equal names the last wins, at the place of the first.
func (o *object) set(name string, v value.Value) {
	if i := o.find(name); i >= 0 {
		o.members[i].Value = v
		return
	}
	o.add(name, v)
}

// add adds a member whose name is new.
func (o *object) add(name string, v value.Value) {
	o.members = append(o.members, value.Member{Name: name, Value: v})
	switch n := len(o.members); {
	case o.index != nil:
		o.index[name] = n - 1
	case n > indexFrom:
		o.index = make(map[string]int, 2*n)
		for i, m := range o.members {
			o.index[m.Name] = i
		}
	}
}

// value is the finished object.
func (o *object) value() value.Value { return value.Members(o.members) }

// columns are the names that a header gives to the cells of each row. Of equal
// names the last cell wins, at the place of the first.
type columns struct {
	names []string
	slots []int // cell → position in names
	row   []value.Member
	keys  [][]byte // names as JSON text, each with its colon; made when they are needed
	last  []int    // of a row: the cell of each name
}

func newColumns(header []string) *columns {
	c := &columns{slots: make([]int, len(header))}
	seen := make(map[string]int, len(header))
	for i, name := range header {
		slot, ok := seen[name]
		if !ok {
			slot = len(c.names)
			seen[name] = slot
			c.names = append(c.names, name)
		}
		c.slots[i] = slot
	}
	return c
}

// appendJSON appends what object makes as JSON text.
func (c *columns) appendJSON(dst []byte, cells []string) []byte {
	if c.keys == nil {
		c.keys = make([][]byte, len(c.names))
		for i, name := range c.names {
			c.keys[i] = append(value.AppendString(nil, name), ':')
		}
		c.last = make([]int, len(c.names))
	}
	named := 0 // names that the row has are the first ones: they have their numbers by the order of columns
	for i := range cells {
		slot := c.slots[i]
		c.last[slot] = i
		named = max(named, slot+1)
	}
	dst = append(dst, '{')
	for slot := range named {
		if slot > 0 {
			dst = append(dst, ',')
		}
		dst = value.AppendString(append(dst, c.keys[slot]...), cells[c.last[slot]])
	}
	return append(dst, '}')
}

// object makes a row of at most len(c.slots) cells. Names without a cell are left out.
func (c *columns) object(cells []string) value.Value {
	c.row = c.row[:0]
	for i, cell := range cells {
		if slot := c.slots[i]; slot == len(c.row) {
			c.row = append(c.row, value.Member{Name: c.names[slot], Value: value.Of(cell)})
		} else {
			c.row[slot].Value = value.Of(cell)
		}
	}
	return value.Members(slices.Clone(c.row))
}
