package schema

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dbake/dbake/seed/charset"
	"github.com/dbake/dbake/seed/dump"
)

// column takes one column.
func (p *parser) column() error {
	name, ok := p.name()
	if !ok {
		return fmt.Errorf("column %d has no name", len(p.table.Columns)+1)
	}
	c := Column{Name: name, Length: -1}
	if err := p.dataType(&c); err != nil {
		return fmt.Errorf("column %s: %w", name, err)
	}
	if err := p.attributes(&c); err != nil {
		return fmt.Errorf("column %s: %w", name, err)
	}
	p.table.Columns = append(p.table.Columns, c)
	return nil
}

// synonyms are other names of data types. Source: "Using Data Types from Other
// Database Engines" in the MySQL manual, and the pages about each type.
var synonyms = map[string]string{
	"integer": "int", "int4": "int", "int1": "tinyint", "int2": "smallint", "int3": "mediumint", "middleint": "mediumint", "int8": "bigint",
	"bool": "tinyint", "boolean": "tinyint", "dec": "decimal", "numeric": "decimal", "fixed": "decimal", "number": "decimal",
	"float4": "float", "float8": "double", "real": "double",
	"character": "char", "nchar": "char", "nvarchar": "varchar", "varcharacter": "varchar", "varchar2": "varchar", "clob": "longtext",
	"long": "mediumtext", "geometrycollection": "geomcollection",
}

// dataType takes a column's type, and what belongs to it.
func (p *parser) dataType(c *Column) error {
	first := p.peek()
	if p.end() || first.Kind != dump.WordToken {
		return errors.New("it has no type")
	}
	p.i++
	c.Type = strings.ToLower(string(first.Raw))
	p.restOfType(c)
	if own, ok := synonyms[c.Type]; ok {
		c.Type = own
	}
	if c.Type == "serial" {
		c.Type, c.Unsigned = "bigint", true
		p.serial(c)
	}
	if p.acceptByte('(') {
		if err := p.parenthesis(c); err != nil {
			return err
		}
	}
	for {
		switch {
		case p.accept("UNSIGNED"):
			c.Unsigned = true
		case p.accept("ZEROFILL"):
			c.Unsigned = true
		case p.accept("SIGNED"):
		default:
			c.FullType = string(p.text[first.From:p.tokens[p.i-1].To])
			if strings.EqualFold(c.FullType, "bool") || strings.EqualFold(c.FullType, "boolean") {
				c.Length = 1
			}
			return nil
		}
	}
}

// restOfType takes the words of types that have several.
func (p *parser) restOfType(c *Column) {
	switch c.Type {
	case "double":
		p.accept("PRECISION")
	case "national":
		c.Type, c.Charset = strings.ToLower(string(p.peek().Raw)), "utf8"
		p.i++
		if p.accept("VARYING") {
			c.Type = "varchar"
		}
	case "char", "character", "nchar":
		if strings.HasPrefix(c.Type, "n") {
			c.Charset = "utf8"
		}
		switch {
		case p.accept("VARYING"), p.accept("VARCHAR"), p.accept("VARCHARACTER"):
			c.Type = "varchar"
		case p.accept("BYTE"):
			c.Type = "binary"
		}
	case "nvarchar":
		c.Charset = "utf8"
	case "long":
		switch {
		case p.accept("VARBINARY"):
			c.Type = "mediumblob"
		case p.accept("VARCHAR"), p.accept("CHAR"):
			p.accept("VARYING")
		}
	}
}

// serial is what SERIAL stands for besides its type.
func (p *parser) serial(c *Column) {
	c.NotNull, c.AutoIncrement = true, true
	p.inline = append(p.inline, Key{Unique: true, Columns: []string{c.Name}})
}

// parenthesis takes a type's numbers or members, behind the opening parenthesis.
func (p *parser) parenthesis(c *Column) error {
	if c.Type == "enum" || c.Type == "set" {
		return p.members(c)
	}
	for n := 0; !p.acceptByte(')'); {
		if p.end() {
			return errors.New("its type has no end")
		}
		if v, err := strconv.ParseInt(string(p.peek().Raw), 10, 64); err == nil {
			if n == 0 {
				c.Length = v
			} else {
				c.Scale = v
			}
			n++
		}
		p.i++
	}
	return nil
}

// members takes those of an enum or set, which may be written in hex.
func (p *parser) members(c *Column) error {
	for !p.acceptByte(')') {
		t := p.peek()
		switch word := strings.ToLower(string(t.Raw)); {
		case p.end():
			return errors.New("the list of its members has no end")
		case t.Kind == dump.TextToken:
			text, _ := p.str()
			c.Members = append(c.Members, text)
			continue
		case t.Kind == dump.WordToken && word == "x" && p.at(1).Kind == dump.TextToken:
			p.i++
			digits, _ := p.str()
			p.unhex(c, digits)
			continue
		case t.Kind == dump.WordToken && strings.HasPrefix(word, "0x"):
			p.unhex(c, word[2:])
		}
		p.i++
	}
	return nil
}

// unhex adds a member that is written in hex: bytes of the column's character set,
// which is not known before the end of the statement.
func (p *parser) unhex(c *Column, digits string) {
	bytes, err := hex.DecodeString(digits)
	if err != nil {
		bytes = []byte(digits)
	}
	p.hex = append(p.hex, hexMember{column: len(p.table.Columns), member: len(c.Members)})
	c.Members = append(c.Members, string(bytes))
}

// hexMember says where a member of an enum or set is that has to be decoded.
type hexMember struct{ column, member int }

// decodeMembers decodes what was written in hex.
func (p *parser) decodeMembers() {
	for _, at := range p.hex {
		c := &p.table.Columns[at.column]
		if set, ok := charset.Find(c.Charset); ok {
			if text, ok := set.Decode(nil, []byte(c.Members[at.member])); ok {
				c.Members[at.member] = string(text)
			}
		}
	}
}

// attributes takes what stands behind a column's type. Words that nobody knows are
// skipped one by one.
func (p *parser) attributes(c *Column) error {
	for !p.end() && !p.peek().IsByte(',') && !p.peek().IsByte(')') {
		switch {
		case p.charsetAttribute(c), p.keyAttribute(c), p.valueAttribute(c):
		case p.peek().Is("REFERENCES"):
			if err := p.references("", []string{c.Name}); err != nil {
				return err
			}
		case p.accept("COMMENT"):
			c.Comment, _ = p.str()
		case p.accept("CONSTRAINT"):
			if !p.isConstraint() {
				p.i++ // its name
			}
		case p.skipGroup():
		default:
			p.i++
		}
	}
	return nil
}

func (p *parser) charsetAttribute(c *Column) bool {
	switch {
	case p.accept("CHARSET"), p.acceptCharacterSet():
		c.Charset = p.setting()
	case p.accept("COLLATE"):
		c.Collation = p.setting()
	case p.accept("ASCII"):
		c.Charset = "latin1"
	case p.accept("UNICODE"):
		c.Charset = "ucs2"
	case p.accept("BYTE"):
		c.Charset = "binary"
	default:
		return false
	}
	return true
}

func (p *parser) keyAttribute(c *Column) bool {
	switch {
	case p.accept("AUTO_INCREMENT"):
		c.AutoIncrement = true
	case p.accept("UNIQUE"):
		p.accept("KEY")
		p.inline = append(p.inline, Key{Unique: true, Columns: []string{c.Name}})
	case p.accept("PRIMARY"), p.accept("KEY"):
		p.accept("KEY")
		p.inline = append(p.inline, Key{Name: "PRIMARY", Primary: true, Unique: true, Columns: []string{c.Name}})
		p.primary = append(p.primary, c.Name)
	case p.accept("SERIAL"): // SERIAL DEFAULT VALUE
		p.accept("DEFAULT")
		p.accept("VALUE")
		p.serial(c)
	default:
		return false
	}
	return true
}

func (p *parser) valueAttribute(c *Column) bool {
	switch {
	case p.peek().Is("NOT") && p.at(1).Is("NULL"):
		p.i += 2
		c.NotNull = true
	case p.accept("NULL"):
		c.NotNull = false
	case p.accept("DEFAULT"):
		if !p.skipGroup() {
			p.i++
		}
	case p.accept("AS"):
		if p.skipGroup() || p.accept("ROW") {
			c.Generated = true
		}
	case p.accept("INVISIBLE"):
		c.Invisible = true
	default:
		return false
	}
	return true
}

// characters reports whether a column holds text in a character set.
func (c *Column) characters() bool {
	switch c.Type {
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set":
		return true
	}
	return false
}
