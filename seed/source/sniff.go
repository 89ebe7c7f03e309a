package source

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// sniffLen is how many bytes decide what an input is: a tar header is known by
// its bytes 257 to 261.
const sniffLen = 512

// magic is how a compressed stream begins.
type magic struct {
	format Format
	bytes  string
}

// magics are the formats that Decompress reads. lz4 has a second magic number
// for its legacy frames.
var magics = []magic{
	{FormatGzip, "\x1f\x8b"},
	{FormatZstd, "\x28\xb5\x2f\xfd"},
	{FormatBzip2, "BZh"},
	{FormatXz, "\xfd7zXZ\x00"},
	{FormatLz4, "\x04\x22\x4d\x18"},
	{FormatLz4, "\x02\x21\x4c\x18"},
}

// foreign is something that people mistake for a dump.
type foreign struct {
	bytes string
	what  string
	hint  string
}

const sqlHint = "dbake restores SQL text as mysqldump and mariadb-dump write it"

// foreigners are known by their first bytes; in tags case does not matter.
var foreigners = []foreign{
	{"PK\x03\x04", "a zip archive", "unpack it and upload the .sql file inside, or compress that with gzip or zstd"},
	{"PK\x05\x06", "an empty zip archive", sqlHint},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it and upload the .sql file inside, or compress that with gzip or zstd"},
	{"Rar!\x1a\x07", "a RAR archive", "unpack it and upload the .sql file inside, or compress that with gzip or zstd"},
	{"Salted__", "encrypted by openssl", "decrypt it before the bake; dbake has no key"},
	{"-----BEGIN PGP MESSAGE", "encrypted by gpg", "decrypt it before the bake; dbake has no key"},
	{"age-encryption.org/", "encrypted by age", "decrypt it before the bake; dbake has no key"},
	{"SQLite format 3\x00", "a SQLite database", sqlHint},
	{"PGDMP", "a PostgreSQL dump made by pg_dump", sqlHint},
	{"XBSTCK", "a backup made by xtrabackup or mariabackup", sqlHint},
	{"\xfebin", "a MySQL binary log", sqlHint},
	{"<?xml", "XML", "it is an error message of the server it came from, or was made by mysqldump --xml; " + sqlHint},
	{"<!doctype html", "an HTML page", "the address gives a page, perhaps an error or a login, and not the dump"},
	{"<html", "an HTML page", "the address gives a page, perhaps an error or a login, and not the dump"},
	{"\xff\xfe", "UTF-16 text", "PowerShell's > does that; make the dump with --result-file"},
	{"\xfe\xff", "UTF-16 text", "PowerShell's > does that; make the dump with --result-file"},
	{"\x1f\x9d", "compressed by compress (.Z)", "use gzip or zstd"},
	{"\x89LZO\x00", "compressed by lzop", "use gzip or zstd"},
	{"LZIP\x01", "compressed by lzip", "use gzip or zstd"},
	{"\xff\x06\x00\x00sNaPpY", "compressed by snappy", "use gzip or zstd"},
}

// sniff says how in is compressed, skips skippable frames in front of it, and
// refuses what is not a dump.
func sniff(in *input) (Format, error) {
	for skipped := false; ; skipped = true {
		head, err := in.buf.Peek(sniffLen)
		if err != nil && err != io.EOF {
			return "", err
		}
		for _, m := range magics {
			if bytes.HasPrefix(head, []byte(m.bytes)) && (!skipped || m.format == FormatZstd || m.format == FormatLz4) {
				return m.format, nil
			}
			// The whole input is the beginning of a magic number, and not
			// one that is text as well.
			if n := len(head); n > 0 && n < len(m.bytes) && m.bytes[:n] == string(head) && head[0] != 'B' && string(head) != "(" {
				return "", fmt.Errorf("%s stream ends early after %d bytes: %w", m.format, n, ErrTruncated)
			}
		}
		switch {
		case isSkippable(head):
		case !skipped:
			return FormatNone, refuse(head, FormatNone)
		case len(head) == 0: // which is what zstd makes of nothing
			return FormatZstd, nil
		default:
			return "", fmt.Errorf("%s stream is followed by something else before byte %d: %w", FormatZstd, in.n.Load(), ErrCorrupt)
		}
		if err := skipFrame(in); err != nil {
			return "", err
		}
	}
}

// isSkippable knows the frames that zstd and lz4 decoders pass over, which
// parallel compressors put in front of the data: the magic numbers 0x184D2A50
// to 0x184D2A5F.
func isSkippable(head []byte) bool {
	return len(head) >= 4 && head[0]>>4 == 5 && head[1] == 0x2a && head[2] == 0x4d && head[3] == 0x18
}

func skipFrame(in *input) error {
	err := discard(in.buf, 4)
	if err == nil {
		var size []byte
		if size, err = in.buf.Peek(4); err == nil {
			err = discard(in.buf, 4+int64(binary.LittleEndian.Uint32(size)))
		}
	}
	if broken := in.broken(); broken != nil {
		return broken
	}
	if err != nil {
		return fmt.Errorf("%s stream ends early after %d bytes: %w", FormatZstd, in.n.Load(), ErrTruncated)
	}
	return nil
}

func discard(r *bufio.Reader, n int64) error {
	_, err := io.CopyN(io.Discard, r, n)
	return err
}

// refuse returns an error when head begins something that is known not to be
// SQL text. inside is the compression that head was in.
func refuse(head []byte, inside Format) error {
	what, hint := identify(head)
	if what == "" && inside != FormatNone {
		for _, m := range magics {
			// "BZh" alone could be text.
			if m.format != FormatBzip2 && bytes.HasPrefix(head, []byte(m.bytes)) {
				what, hint = "compressed twice", fmt.Sprintf("inside of %s there is %s; compress it once", inside, m.format)
			}
		}
	}
	switch {
	case what == "":
		return nil
	case inside == FormatNone:
		return fmt.Errorf("%w: this is %s; %s", ErrUnsupported, what, hint)
	case what == "compressed twice":
		return fmt.Errorf("%w: it is %s: %s", ErrUnsupported, what, hint)
	default:
		return fmt.Errorf("%w: inside of %s this is %s; %s", ErrUnsupported, inside, what, hint)
	}
}

// identify names what head is, if it is foreign.
func identify(head []byte) (what, hint string) {
	text := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	if trimmed := bytes.TrimLeft(text, " \t\r\n"); bytes.HasPrefix(trimmed, []byte("<")) {
		text = trimmed
	}
	for _, f := range foreigners {
		if len(text) < len(f.bytes) {
			continue
		}
		start := text[:len(f.bytes)]
		if string(start) == f.bytes || f.bytes[0] == '<' && bytes.EqualFold(start, []byte(f.bytes)) {
			return f.what, f.hint
		}
	}
	switch {
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return "a tar archive", "unpack it and upload the .sql file inside, or compress that with gzip or zstd"
	case isGPG(head):
		return "encrypted by gpg", "decrypt it before the bake; dbake has no key"
	case isTablespace(head):
		return "an InnoDB tablespace (.ibd)", sqlHint
	}
	return "", ""
}

// isGPG knows an OpenPGP message (RFC 9580) that begins with an encrypted
// session key: packet tag 1 with version 3 or tag 3 with version 4, under a
// header of the old form (one or two length bytes) or the new one.
func isGPG(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	switch head[0] {
	case 0x84:
		return head[2] == 3
	case 0xc1:
		if head[1] < 0xc0 { // a length of one byte
			return head[2] == 3
		}
		return head[3] == 3
	case 0x85:
		return head[3] == 3
	case 0x8c, 0xc3:
		return head[2] == 4
	}
	return false
}

// isTablespace knows page 0 of an InnoDB file: the page number is 0 and the
// page type FIL_PAGE_TYPE_FSP_HDR, both big-endian.
func isTablespace(head []byte) bool {
	return len(head) >= 38 &&
		binary.BigEndian.Uint32(head[4:]) == 0 &&
		binary.BigEndian.Uint16(head[24:]) == 8
}
