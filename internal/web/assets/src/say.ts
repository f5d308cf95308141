// The few sentences that scripts say themselves, in the language of the page. English is the key, as in the rest of the house.
const de: Record<string, string> = {
  'A file is still on its way.': 'Eine Datei ist noch unterwegs.',
  'Close': 'Schließen',
  'Copied': 'Kopiert',
  'Corner': 'Ecke',
  'Courier': 'Kurier',
  'Describe it for people who cannot see it': 'Beschreib es für Menschen, die es nicht sehen',
  'In your cart': 'Im Warenkorb',
  'Kept on this phone. It is sent as soon as there is a connection.': 'Auf diesem Telefon aufgehoben. Es wird gesendet, sobald es Verbindung gibt.',
  'Keyboard': 'Tastatur',
  'Map': 'Karte',
  'Next picture': 'Nächstes Bild',
  'No answer from the server. Is there a connection?': 'Keine Antwort vom Server. Gibt es eine Verbindung?',
  'No more files fit into one post.': 'Mehr Dateien passen nicht in einen Beitrag.',
  'Previous picture': 'Voriges Bild',
  'Remove': 'Entfernen',
  'Start again': 'Von vorn anfangen',
  'Take back the last corner': 'Letzte Ecke zurücknehmen',
  'Tap to turn the bell on': 'Tippen schaltet die Klingel ein',
  'That did not work. Please try again in a moment.': 'Das hat nicht geklappt. Versuch es gleich noch einmal.',
  'The form for your card could not be loaded. Please reload the page.': 'Das Formular für deine Karte konnte nicht geladen werden. Bitte lade die Seite neu.',
  'The file could not be sent.': 'Die Datei konnte nicht gesendet werden.',
  'The server did not accept one of your actions.': 'Der Server hat etwas von dir nicht angenommen.',
  'This browser does not let pages copy.': 'Dieser Browser lässt Seiten nicht kopieren.',
  'This list': 'Diese Liste',
  'Where I am': 'Wo ich bin',
  'Without your position, nobody sees how far away dinner is.': 'Ohne deinen Standort sieht niemand, wie weit das Essen noch weg ist.',
  'Your card has expired. Try another card.': 'Deine Karte ist abgelaufen. Versuch eine andere.',
  'Your card has not enough money for this order. Try another card.': 'Auf deiner Karte ist nicht genug Geld für diese Bestellung. Versuch eine andere.',
  'Your card was declined. Try another card.': 'Deine Karte wurde abgelehnt. Versuch eine andere.',
  'Your place. Move it with the arrow keys.': 'Dein Ort. Mit den Pfeiltasten verschieben.',
  'Your position is not available. Tap the map instead.': 'Dein Standort ist nicht zu haben. Tipp stattdessen auf die Karte.',
  'Zoom in': 'Näher heran',
  'Zoom out': 'Weiter weg',
  'days': 'Tagen',
  'in a moment': 'gleich',
  'just now': 'gerade eben',
}

export const german = document.documentElement.lang === 'de'

/** Says a sentence in the language of the page. */
export const say = (text: string): string => (german && de[text]) || text
