package dump

// TokenKind is what a token of a statement is.
type TokenKind uint8

// The kinds of tokens.
const (
	WordToken TokenKind = TokenKind(tokWord)  // a keyword, a plain identifier or a number
	NameToken TokenKind = TokenKind(tokName)  // a quoted identifier
	TextToken TokenKind = TokenKind(tokText)  // a quoted string
	ByteToken TokenKind = TokenKind(tokOther) // a single byte
)

// VersionComment is what a version comment, /*!50003 … */ or /*M!100100 … */,
// says about the servers that execute what is in it.
type VersionComment struct {
	// In is false for a token outside of version comments.
	In bool
	// Version is the number, 0 for none; MariaDBOnly is that of /*M! … */.
	Version     int
	MariaDBOnly bool
	// From is where the comment begins, in bytes of the statement.
	From int
}

// Token is one token of a statement. Comments other than version comments are
// no tokens.
type Token struct {
	Kind TokenKind
	// Raw is the token as it stands in the statement, quotes included.
	Raw []byte
	// From and To are where it stands, in bytes of the statement.
	From, To int
	// Comment is the version comment it stands in.
	Comment VersionComment
}

// Is reports whether a token is the given keyword, in upper case.
func (t Token) Is(keyword string) bool { return t.Kind == WordToken && equalFold(t.Raw, keyword) }

// IsByte reports whether a token is the given punctuation.
func (t Token) IsByte(c byte) bool { return t.Kind == ByteToken && t.Raw[0] == c }

// Tokens reads a statement token by token, by the rules of the scanner that
// found it.
type Tokens struct{ t tokens }

// NewTokens begins to read a statement.
func NewTokens(stmt []byte, m Mode) *Tokens { return &Tokens{newTokens(stmt, m)} }

// Next gives the next token, and false behind the last one.
func (t *Tokens) Next() (Token, bool) {
	tok := t.t.next()
	if tok.kind == tokEnd {
		return Token{}, false
	}
	return Token{TokenKind(tok.kind), tok.raw, t.t.i - len(tok.raw), t.t.i, t.t.versionComment()}, true
}

// versionComment reads the opening of the version comment that the last token
// stands in.
func (t *tokens) versionComment() VersionComment {
	if t.comment == 0 {
		return VersionComment{}
	}
	v := VersionComment{In: true, From: t.comment - 1}
	i := v.From + len("/*!")
	if t.b[i-1] == 'M' {
		v.MariaDBOnly = true
		i++
	}
	for ; i < len(t.b) && isDigit(t.b[i]) && v.Version < 1e6; i++ {
		v.Version = v.Version*10 + int(t.b[i]-'0')
	}
	return v
}
