package target

import "io"

// held is how much of the end of a text HoldBack keeps, in bytes: more than the last
// line of a dump.
const held = 4 << 10

// HoldBack writes to another Writer, but for the end of the text, which it keeps until
// Release. So who has to look at what was written before it is taken for complete can
// do so, even where nothing can be taken back. It is for one goroutine.
type HoldBack struct {
	w   io.Writer
	end []byte
}

// NewHoldBack makes a HoldBack that writes to w.
func NewHoldBack(w io.Writer) *HoldBack { return &HoldBack{w: w} }

// Write implements io.Writer.
func (h *HoldBack) Write(p []byte) (int, error) {
	written := len(p)
	if n := min(len(h.end)+len(p)-held, len(h.end)); n > 0 {
		if _, err := h.w.Write(h.end[:n]); err != nil {
			return 0, err
		}
		h.end = append(h.end[:0], h.end[n:]...)
	}
	if n := len(h.end) + len(p) - held; n > 0 {
		if _, err := h.w.Write(p[:n]); err != nil {
			return 0, err
		}
		p = p[n:]
	}
	h.end = append(h.end, p...)
	return written, nil
}

// Release writes the end.
func (h *HoldBack) Release() error {
	_, err := h.w.Write(h.end)
	h.end = nil
	return err
}
