package format

import (
	"bytes"

	"github.com/twmb/avro/ocf"

	"github.com/fairlead/fairlead/internal/value"
)

const (
	containerMagic = "Obj\x01"
	// maxInflated is how many bytes all blocks of a container may have together
	// once they are decompressed.
	maxInflated = 64 << 20
)

// decodeContainer reads an object container file (Avro 1.12, "Object Container
// Files") by the schema in its header.
func decodeContainer(body []byte, left *allowance) (value.Value, error) {
	r := avroReader{body: body, at: len(containerMagic), left: left}
	header := map[string][]byte{}
	err := r.blocks(func() error {
		if err := r.left.take(1); err != nil {
			return err
		}
		name, err := r.text()
		if err != nil {
			return err
		}
		header[name], err = r.counted()
		return err
	})
	if err != nil {
		return value.Value{}, err
	}
	sync, err := r.take(16)
	if err != nil {
		return value.Value{}, err
	}
	if len(header["avro.schema"]) > maxSchemaFile {
		return value.Value{}, r.fail("the schema of the container is longer than 1 MiB")
	}
	typ, err := compileAvro(string(header["avro.schema"]))
	if err != nil {
		return value.Value{}, foreign(-1, err)
	}
	codec, err := codecNamed(string(header["avro.codec"]))
	if err != nil {
		return value.Value{}, err
	}
	defer codec.Close()
	records := value.List()
	room := maxInflated
	for r.at < len(body) {
		n, err := r.long()
		if err != nil {
			return value.Value{}, err
		}
		packed, err := r.counted()
		if err != nil {
			return value.Value{}, err
		}
		block, err := inflate(codec, packed)
		if err != nil {
			return value.Value{}, foreign(int64(r.at), err)
		}
		if !left.meter.Hold(int64(len(block))) {
			return value.Value{}, left.meter.Err()
		}
		if room -= len(block); room < 0 {
			return value.Value{}, r.fail("the container is longer than 64 MiB when decompressed")
		}
		if err := readBlock(block, n, typ, r.left, records); err != nil {
			return value.Value{}, err
		}
		if mark, err := r.take(16); err != nil || !bytes.Equal(mark, sync) {
			return value.Value{}, r.fail("a block of the container does not end where it should")
		}
	}
	return records, nil
}

// readBlock appends the n records of a block.
func readBlock(block []byte, n int64, typ *avroType, left *allowance, records value.Value) error {
	r := avroReader{body: block, left: left}
	for ; n > 0; n-- {
		v, err := r.value(typ, 2)
		if err != nil {
			return &Error{Offset: -1, Message: "in a block of the container: " + asError(Avro, err).Message}
		}
		records.Append(v)
	}
	if n < 0 || r.at < len(block) {
		return fail("a block of the container does not hold the records it announces")
	}
	return nil
}

func inflate(codec ocf.Codec, packed []byte) ([]byte, error) {
	if bounded, ok := codec.(ocf.BoundedDecompressor); ok {
		return bounded.DecompressBounded(packed, maxInflated)
	}
	return codec.Decompress(packed)
}

func codecNamed(name string) (ocf.Codec, error) {
	switch name {
	case "", "null":
		return stored{}, nil
	case "deflate":
		return ocf.DeflateCodec(-1), nil
	case "snappy":
		return ocf.SnappyCodec(), nil
	case "zstandard":
		return ocf.ZstdCodec(nil, nil)
	}
	return nil, fail("the container is compressed with %s, which is not known", quote(name))
}

// stored is the codec of uncompressed blocks.
type stored struct{}

func (stored) Name() string                        { return "null" }
func (stored) Compress(b []byte) ([]byte, error)   { return b, nil }
func (stored) Decompress(b []byte) ([]byte, error) { return b, nil }
func (stored) Close() error                        { return nil }
