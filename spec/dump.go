package spec

// dumps decodes "dump:", which is one dump or a list of them.
func (d *decoder) dumps(n *node) Dumps {
	if n.kind != kindList {
		if dump, ok := d.dump(n); ok {
			return Dumps{dump}
		}
		return nil
	}
	if len(n.items) == 0 {
		d.fail(n, "", "must name at least one dump")
	}
	var list Dumps
	for _, item := range n.items {
		if dump, ok := d.dump(item); ok {
			list = append(list, dump)
		}
	}
	return list
}

// dump decodes one dump: an address, or a mapping with "from".
func (d *decoder) dump(n *node) (Dump, bool) {
	switch n.kind {
	case kindString:
		return d.from(n)
	case kindMapping:
		record[Dump](d, n)
		d.required(n, "from")
	default:
		d.fail(n, "", `must be an address, or a mapping with "from", not %s`, n.kind)
		return Dump{}, false
	}
	from := n.get("from")
	if from == nil {
		return Dump{}, false
	}
	dump, ok := d.from(from)
	if pick := n.get("pick"); pick != nil {
		dump.Pick = choice(d, pick, PickNewest, PickAll, PickFolder)
		if ok && dump.Location.Kind != KindS3Prefix {
			d.fail(pick, `a prefix ends in "/": s3://bucket/prefix/`, "only an S3 prefix has several objects to pick from")
		}
	}
	return dump, ok
}

func (d *decoder) from(n *node) (Dump, bool) {
	from, ok := d.word(n)
	if !ok {
		return Dump{}, false
	}
	l, err := ParseLocation(from)
	if err != nil {
		d.fail(n, "", "%s", err)
		return Dump{}, false
	}
	dump := Dump{From: from, Location: l}
	if l.Kind == KindS3Prefix {
		dump.Pick = PickNewest
	}
	return dump, true
}
