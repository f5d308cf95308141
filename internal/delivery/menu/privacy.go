package menu

import "github.com/stoa-town/stoa/internal/platform/personal"

// Personal says that cards hold nothing about people.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "menus",
		Tables: []personal.Table{
			{Name: "menu_version", Plain: "restaurant version"},
			{Name: "menu", Plain: "id restaurant name hours position deleted_at"},
			{Name: "menu_section", Plain: "id restaurant menu name note hours position deleted_at"},
			{Name: "menu_item", Plain: "id restaurant section name description price tax photo allergens diets group_ids hidden out_until position deleted_at"},
			{Name: "menu_group", Plain: "id restaurant name min_count max_count rule deleted_at"},
			{Name: "menu_option", Plain: "id restaurant group_id name price out_until position"},
			{Name: "menu_stock", Plain: "id restaurant left_"},
		},
		Shows: shows,
	}
}
