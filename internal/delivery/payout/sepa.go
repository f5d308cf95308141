package payout

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/money"
)

// The document that banks take for credit transfers: ISO 20022, pain.001.001.09, as the European Payments Council's guidelines for SEPA
// credit transfers narrow it.
type painDocument struct {
	XMLName xml.Name `xml:"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09 Document"`
	Header  struct {
		ID      string    `xml:"MsgId"`
		Made    string    `xml:"CreDtTm"`
		Count   int       `xml:"NbOfTxs"`
		Sum     string    `xml:"CtrlSum"`
		Starter painParty `xml:"InitgPty"`
	} `xml:"CstmrCdtTrfInitn>GrpHdr"`
	Payment struct {
		ID     string         `xml:"PmtInfId"`
		Method string         `xml:"PmtMtd"`
		Batch  bool           `xml:"BtchBookg"`
		Count  int            `xml:"NbOfTxs"`
		Sum    string         `xml:"CtrlSum"`
		Level  string         `xml:"PmtTpInf>SvcLvl>Cd"`
		Date   string         `xml:"ReqdExctnDt>Dt"`
		From   painParty      `xml:"Dbtr"`
		IBAN   string         `xml:"DbtrAcct>Id>IBAN"`
		Agent  painAgent      `xml:"DbtrAgt"`
		Bearer string         `xml:"ChrgBr"`
		Each   []painTransfer `xml:"CdtTrfTxInf"`
	} `xml:"CstmrCdtTrfInitn>PmtInf"`
}

type painParty struct {
	Name string `xml:"Nm"`
}

// painAgent names a bank by its BIC, or says that the IBAN is enough.
type painAgent struct {
	BIC   string `xml:"FinInstnId>BICFI,omitempty"`
	Other string `xml:"FinInstnId>Othr>Id,omitempty"`
}

type painTransfer struct {
	Reference string `xml:"PmtId>EndToEndId"`
	Amount    struct {
		Currency string `xml:"Ccy,attr"`
		Value    string `xml:",chardata"`
	} `xml:"Amt>InstdAmt"`
	Agent *painAgent `xml:"CdtrAgt,omitempty"`
	To    painParty  `xml:"Cdtr"`
	IBAN  string     `xml:"CdtrAcct>Id>IBAN"`
	Words string     `xml:"RmtInf>Ustrd"`
}

// transfer is an item of a run with the account that it goes to.
type transfer struct {
	Item
	Bank
}

// sepaSafe keeps the letters that every bank of the SEPA takes, and turns common others into them.
func sepaSafe(s string, most int) string {
	s = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue", "ß", "ss", "é", "e", "è", "e", "ê", "e", "á", "a", "à", "a",
		"â", "a", "ç", "c", "ñ", "n", "ó", "o", "ô", "o", "í", "i", "î", "i", "ú", "u", "û", "u", "ø", "o", "å", "a", "æ", "ae", "&", "+", "ł", "l", "ś", "s",
		"ż", "z", "ź", "z", "ć", "c", "ń", "n", "ą", "a", "ę", "e", "š", "s", "č", "c", "ž", "z").Replace(s)
	s = strings.Map(func(r rune) rune {
		if r < 128 && strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ ", r) {
			return r
		}
		return '.'
	}, s)
	return s[:min(len(s), most)]
}

// sepa writes the credit transfers of a run in euros, to be carried out on a day.
func sepa(w io.Writer, run Run, from Bank, list []transfer, made time.Time, day time.Time) error {
	var d painDocument
	var sum money.Amount
	for _, t := range list {
		sum += t.Amount
		var x painTransfer
		x.Reference = sepaSafe("P"+run.ID.String()+"-"+t.Owner.String(), 35)
		x.Amount.Currency, x.Amount.Value = "EUR", decimal(t.Amount)
		if t.BIC != "" {
			x.Agent = &painAgent{BIC: t.BIC}
		}
		x.To.Name, x.IBAN = sepaSafe(t.Holder, 70), t.IBAN
		x.Words = sepaSafe("Payout "+run.ID.String()+" "+t.Name, 140)
		d.Payment.Each = append(d.Payment.Each, x)
	}
	d.Header.ID, d.Header.Made, d.Header.Count, d.Header.Sum = "STOA-"+run.ID.String(), made.UTC().Format("2006-01-02T15:04:05Z"), len(list), decimal(sum)
	d.Header.Starter.Name = sepaSafe(from.Holder, 70)
	p := &d.Payment
	p.ID, p.Method, p.Batch, p.Count, p.Sum, p.Level, p.Date = "STOA-"+run.ID.String()+"-1", "TRF", true, len(list), decimal(sum), "SEPA", day.Format("2006-01-02")
	p.From.Name, p.IBAN, p.Bearer = d.Header.Starter.Name, from.IBAN, "SLEV"
	p.Agent = painAgent{BIC: from.BIC}
	if from.BIC == "" {
		p.Agent = painAgent{Other: "NOTPROVIDED"}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("payout: write the bank's file: %w", err)
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(d); err != nil {
		return fmt.Errorf("payout: write the bank's file: %w", err)
	}
	return nil
}

// decimal returns an amount of euros as banks write it.
func decimal(a money.Amount) string {
	return strconv.FormatInt(a/100, 10) + "." + fmt.Sprintf("%02d", a%100)
}
