package menu

// encoded is a card as the API shows it, valid for one minute of the clock and one version of the restaurant.
type encoded struct {
	minute int64
	shop   int64
	body   []byte
	etag   string
}
