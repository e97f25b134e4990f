use std::sync::Arc;

use super::to_many::sort_into;
use super::*;

#[test]
fn reading_before_loading_is_an_error_that_names_the_target_and_the_way_out() {
    let error = HasMany::<String>::default().get().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotLoaded);
    assert!(error.message().contains("`String`"), "{error}");
    let hint = error.hint().unwrap_or_default();
    assert!(hint.contains(".include(") && hint.contains(".load("), "{hint}");
    assert_eq!(ManyToMany::<i32>::default().into_vec().unwrap_err().kind(), ErrorKind::NotLoaded);
    assert_eq!(HasOne::<i32>::default().get().unwrap_err().kind(), ErrorKind::NotLoaded);
    assert_eq!(BelongsTo::<i32>::default().get_opt().unwrap_err().kind(), ErrorKind::NotLoaded);
}

#[test]
fn loaded_and_empty_is_not_unloaded() {
    let empty = HasMany::<i32>::loaded([]);
    assert!(empty.is_loaded() && empty.get().unwrap().is_empty());
    assert_ne!(empty, HasMany::default());
    assert_eq!(HasOne::<i32>::loaded(None).get().unwrap(), None);
    assert_eq!(BelongsTo::<i32>::absent().get().unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(BelongsTo::<i32>::absent().get_opt().unwrap(), None);
}

#[test]
fn what_a_slot_holds_can_be_changed_and_taken_out() {
    let mut seat = HasOne::<i32>::default();
    assert_eq!(seat.get_mut().unwrap_err().kind(), ErrorKind::NotLoaded);
    assert_eq!(seat.clone().into_option().unwrap_err().kind(), ErrorKind::NotLoaded);
    seat.set(Some(1));
    *seat.get_mut().unwrap().unwrap() += 1;
    assert_eq!((seat.is_unloaded(), seat.clone().into_option().unwrap()), (false, Some(2)));
    seat.set(None);
    assert_eq!(seat.get_mut().unwrap(), None);
    assert_eq!(seat.into_option().unwrap(), None);

    let mut parent = BelongsTo::<i32>::default();
    assert_eq!(parent.get_arc().unwrap_err().kind(), ErrorKind::NotLoaded);
    assert!(parent.is_unloaded());
    let row = Arc::new(7);
    parent.set(Some(Arc::clone(&row)));
    assert!(parent.get_arc().unwrap().is_some_and(|shared| Arc::ptr_eq(&shared, &row)));

    let subject = MorphTo::loaded("Ada");
    assert_eq!(subject.clone().get().unwrap(), &"Ada");
    assert_eq!(subject, subject.clone());
}

#[test]
fn a_parent_is_shared_and_not_copied() {
    struct NoClone;
    let slot = BelongsTo::loaded(NoClone);
    let other = slot.clone();
    assert!(std::ptr::eq(slot.get().unwrap(), other.get().unwrap()));
}

#[test]
fn debug_shows_the_content() {
    assert_eq!(format!("{:?}", HasMany::loaded([1, 2])), "[1, 2]");
    assert_eq!(format!("{:?}", BelongsTo::loaded(1)), "Some(1)");
    assert_eq!(format!("{:?}", HasMany::<i32>::default()), "not loaded");
}

#[test]
fn children_keep_their_order_in_each_place() {
    let contents = sort_into(3, &[2, 0, 2], vec!['a', 'b', 'c']);
    assert_eq!(contents, [vec!['b'], vec![], vec!['a', 'c']]);
}

#[cfg(feature = "json")]
#[test]
fn only_a_loaded_slot_is_serialised() {
    assert_eq!(serde_json::to_string(&HasMany::loaded([1, 2])).unwrap(), "[1,2]");
    assert_eq!(serde_json::to_string(&BelongsTo::loaded(1)).unwrap(), "1");
    assert_eq!(serde_json::to_string(&HasOne::<i32>::loaded(None)).unwrap(), "null");
    assert!(serde_json::to_string(&HasOne::<i32>::default()).unwrap_err().to_string().contains("loaded"));
    let back: HasMany<i32> = serde_json::from_str("[1,2]").unwrap();
    assert_eq!(back, HasMany::loaded([1, 2]));
    assert_eq!(serde_json::from_str::<BelongsTo<i32>>("null").unwrap(), BelongsTo::absent());
    assert_eq!(serde_json::from_str::<HasOne<i32>>("3").unwrap(), HasOne::loaded(3));
}

#[test]
fn a_slot_is_small() {
    assert!(size_of::<HasMany<String>>() <= 32 && size_of::<BelongsTo<String>>() <= 32);
    assert!(size_of::<HasOne<String>>() <= 32 && size_of::<MorphTo<String>>() <= 32);
}
