package passkey

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/stoa-town/stoa/internal/base/i18n"
)

// makers are the names of what keeps most people's passkeys, by the number (AAGUID) that it gives itself.
var makers = map[string]string{
	"ea9b8d664d011d213ce4b6b48cb575d4": "Google Password Manager",
	"fbfc3007154e4ecc8c0b6e020557d7bd": "iCloud Keychain",
	"adce000235bcc60a648b0b25f1f05503": "Chrome on Mac",
	"08987058cadc4b81b6e130de50dcbe96": "Windows Hello",
	"9ddd1817af5a4672a2b93e3dd95000a9": "Windows Hello",
	"6028b017b1d44c02b4b3afcdafc96bb2": "Windows Hello",
	"53414d53554e47000000000000000000": "Samsung Pass",
	"bada5566a7aa401fbd9645619a55120d": "1Password",
	"d548826e79b4db40a3d811116f7e8349": "Bitwarden",
	"531126d6e717415c93203d9aa6981239": "Dashlane",
	"50726f746f6e5061737350726f746f6e": "Proton Pass",
	"fdb141b25d84443e8a354698c205a502": "KeePassXC",
}

// nameOf returns a name for a new key that none of the others has.
func nameOf(ctx context.Context, key Passkey, others []Passkey) string {
	name := makers[hex.EncodeToString(key.aaguid)]
	switch {
	case name != "":
	case strings.Contains(key.transports, "usb"), strings.Contains(key.transports, "nfc"):
		name = i18n.T(ctx, "Security key")
	default:
		name = i18n.T(ctx, "Passkey")
	}
	first := name
	for n := 2; slices.ContainsFunc(others, func(o Passkey) bool { return o.Name == name }); n++ {
		name = fmt.Sprintf("%s %d", first, n)
	}
	return name
}
