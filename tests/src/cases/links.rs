//! Links between rows of one model or two, and children that could have several parents.

use orm::prelude::*;
use orm::{ErrorKind, Result};

use crate::Fixture;

/// Somebody who follows others, wears badges and writes letters.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "club_members")]
pub struct Member {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub name: String,
    #[orm(unique)]
    pub code: Option<String>,
    #[orm(through = Follow, from = follower, to = followed)]
    pub following: ManyToMany<Member>,
    #[orm(through = Follow, from = followed, to = follower)]
    pub followers: ManyToMany<Member>,
    #[orm(through = Wearing)]
    pub badges: ManyToMany<Badge>,
    #[orm(pair = sender)]
    pub sent: HasMany<Letter>,
    #[orm(pair = recipient)]
    pub received: HasMany<Letter>,
    #[orm(pair = holder)]
    pub card: HasOne<Card>,
    pub boxes: HasMany<Parcel>,
}

/// Who follows whom.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "club_follows", primary_key(follower_id, followed_id))]
pub struct Follow {
    pub follower_id: i64,
    pub followed_id: i64,
    #[orm(foreign_key = follower_id, on_delete = cascade)]
    pub follower: BelongsTo<Member>,
    #[orm(foreign_key = followed_id, on_delete = cascade)]
    pub followed: BelongsTo<Member>,
}

/// Something to wear.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "club_badges")]
pub struct Badge {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub name: String,
}

/// Who wears what: the same badge may be worn twice.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "club_wearings")]
pub struct Wearing {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub member_id: i64,
    pub badge_id: i64,
    #[orm(foreign_key = member_id)]
    pub member: BelongsTo<Member>,
    #[orm(foreign_key = badge_id)]
    pub badge: BelongsTo<Badge>,
}

/// From one member to another.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "club_letters")]
pub struct Letter {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub text: String,
    pub sender_id: i64,
    pub recipient_id: Option<i64>,
    #[orm(foreign_key = sender_id)]
    pub sender: BelongsTo<Member>,
    #[orm(foreign_key = recipient_id)]
    pub recipient: BelongsTo<Member>,
}

/// At most one of a member.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "club_cards")]
pub struct Card {
    #[orm(primary_key, auto)]
    pub id: i64,
    #[orm(unique)]
    pub holder_id: Option<i64>,
    #[orm(foreign_key = holder_id)]
    pub holder: BelongsTo<Member>,
}

/// Belongs to a member by a code that not everybody has.
#[derive(Debug, Clone, PartialEq, Model)]
#[orm(table = "club_parcels")]
pub struct Parcel {
    #[orm(primary_key, auto)]
    pub id: i64,
    pub owner_code: Option<String>,
    #[orm(foreign_key = owner_code, references = code)]
    pub owner: BelongsTo<Member>,
}

orm::schema!(Club: Member, Follow, Badge, Wearing, Letter, Card, Parcel);

async fn member(db: &impl Executor, name: &str) -> Result<Member> {
    Member::create().name(name).insert(db).await
}

async fn three<D: Database>(f: &Fixture<D>) -> Result<[Member; 3]> {
    Club::create_all(&f.db).await?;
    Ok([member(&f.db, "Ada").await?, member(&f.db, "Bob").await?, member(&f.db, "Cid").await?])
}

fn names(members: &[Member]) -> Vec<&str> {
    let mut names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    names.sort_unstable();
    names
}

pub async fn a_model_is_linked_to_itself_in_both_directions<D: Database>(f: &Fixture<D>) -> Result<()> {
    let [ada, bob, cid] = three(f).await?;
    Member::following.of(&ada).add(&bob, &f.db).await?;
    Member::following.of(&ada).add_all([&bob, &cid], &f.db).await?;
    Member::followers.of(&ada).add(&cid, &f.db).await?;

    let all = Member::query()
        .order_by(Member::id.asc())
        .include(Member::following)
        .include(Member::followers)
        .all(&f.db)
        .await?;
    assert_eq!(names(all[0].following.get()?), ["Bob", "Cid"]);
    assert_eq!(names(all[0].followers.get()?), ["Cid"]);
    assert_eq!(names(all[1].following.get()?), [""; 0]);
    assert_eq!(names(all[1].followers.get()?), ["Ada"]);
    assert_eq!(names(all[2].following.get()?), ["Ada"]);

    let mut lone = Member::find(cid.id).one(&f.db).await?;
    assert_eq!(names(lone.load(Member::followers, &f.db).await?), ["Ada"]);
    assert_eq!(Member::following.of(&ada).count(&f.db).await?, 2);
    let of_cid = Member::filter(Member::following.any(Member::name.eq("Cid"))).all(&f.db).await?;
    assert_eq!(names(&of_cid), ["Ada"]);
    let followed = Member::filter(Member::followers.exists()).all(&f.db).await?;
    assert_eq!(names(&followed), ["Ada", "Bob", "Cid"]);
    let counts = Member::query()
        .order_by(Member::id.asc())
        .select((Member::following.count(), Member::followers.count()))
        .all(&f.db)
        .await?;
    assert_eq!(counts, [(2, 1), (0, 1), (1, 1)]);

    Member::following.of(&ada).set([&cid], &f.db).await?;
    assert_eq!(names(&Member::following.of(&ada).all(&f.db).await?), ["Cid"]);
    assert!(Member::followers.of(&cid).remove(&ada, &f.db).await?);
    let dan = Member::followers.of(&ada).create(Member::create().name("Dan"), &f.db).await?;
    assert_eq!(names(&Member::following.of(&dan).all(&f.db).await?), ["Ada"]);
    assert_eq!(Member::followers.of(&ada).clear(&f.db).await?, 2);
    let eve = Member::create().name("Eve").following([Member::create().name("Fay")]).insert(&f.db).await?;
    assert_eq!(names(&Member::following.of(&eve).all(&f.db).await?), ["Fay"]);
    assert_eq!(Follow::query().count(&f.db).await?, 1);
    Ok(())
}

pub async fn links_that_may_be_double_are_not_added_by_their_ends<D: Database>(f: &Fixture<D>) -> Result<()> {
    let [ada, ..] = three(f).await?;
    let star = Member::badges.of(&ada).create(Badge::create().name("star"), &f.db).await?;
    for error in [
        Member::badges.of(&ada).add(&star, &f.db).await.unwrap_err(),
        Member::badges.of(&ada).set([&star], &f.db).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.model()), (ErrorKind::Usage, Some("Wearing")));
        assert!(error.hint().is_some_and(|hint| hint.contains("unique(member_id, badge_id)")), "{error}");
    }
    assert_eq!(Wearing::query().count(&f.db).await?, 1);
    Wearing::create().member(&ada).badge(&star).insert(&f.db).await?;
    assert!(Member::badges.of(&ada).remove(&star, &f.db).await?);
    Member::badges.of(&ada).set([], &f.db).await?;
    assert_eq!(Wearing::query().count(&f.db).await?, 0);
    Ok(())
}

pub async fn a_child_of_two_parents_is_created_under_one<D: Database>(f: &Fixture<D>) -> Result<()> {
    let [ada, bob, _] = three(f).await?;
    let first = Member::sent.of(&ada).create(Letter::create().text("a").recipient(&bob), &f.db).await?;
    assert_eq!((first.sender_id, first.recipient_id), (ada.id, Some(bob.id)));
    let second = Member::received.of(&ada).create(Letter::create().text("b").sender(&bob), &f.db).await?;
    assert_eq!((second.sender_id, second.recipient_id), (bob.id, Some(ada.id)));
    let card = Member::card.of(&ada).create(Card::create(), &f.db).await?;
    assert_eq!(card.holder_id, Some(ada.id));
    let dan =
        Member::create().name("Dan").sent([Letter::create().text("c").recipient(&ada)]).insert(&f.db).await?;
    assert_eq!(dan.sent.get()?[0].recipient_id, Some(ada.id));
    assert_eq!(Member::received.of(&ada).count(&f.db).await?, 2);
    Ok(())
}

pub async fn setting_a_row_that_is_gone_changes_nothing<D: Database>(f: &Fixture<D>) -> Result<()> {
    let [ada, bob, _] = three(f).await?;
    let kept = Letter::create().text("kept").sender(&bob).recipient(&ada).insert(&f.db).await?;
    let gone = Letter::create().text("gone").sender(&bob).insert(&f.db).await?;
    gone.clone().delete(&f.db).await?;
    let error = Member::received.of(&ada).set([&kept, &gone], &f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::NotFound, Some("Letter")));
    let error = Member::received.of(&ada).set([&gone], &f.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(Member::received.of(&ada).all(&f.db).await?[0].id, kept.id);

    let card = Member::card.of(&ada).create(Card::create(), &f.db).await?;
    let lost = Card::create().insert(&f.db).await?;
    lost.clone().delete(&f.db).await?;
    let error = Member::card.of(&ada).set(&lost, &f.db).await.unwrap_err();
    assert_eq!((error.kind(), error.model()), (ErrorKind::NotFound, Some("Card")));
    assert_eq!(Member::card.of(&ada).all(&f.db).await?[0].id, card.id);
    Member::received.of(&ada).set([&kept, &kept], &f.db).await?;
    Member::card.of(&ada).set(&card, &f.db).await
}

pub async fn a_row_without_a_key_has_no_children<D: Database>(f: &Fixture<D>) -> Result<()> {
    let [ada, ..] = three(f).await?;
    let errors = [
        Parcel::create().owner(&ada).insert(&f.db).await.unwrap_err(),
        Member::boxes.of(&ada).create(Parcel::create(), &f.db).await.unwrap_err(),
        Member::create().name("Dan").boxes([Parcel::create()]).insert(&f.db).await.unwrap_err(),
        Parcel::insert_many([Parcel::create().owner(&ada)]).returning(&f.db).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.kind(), error.model()), (ErrorKind::Usage, Some("Member")));
        assert_eq!(error.fields(), ["code"]);
    }
    assert_eq!((Parcel::query().count(&f.db).await?, Member::query().count(&f.db).await?), (0, 3));
    let eve =
        Member::create().name("Eve").code("e".to_owned()).boxes([Parcel::create()]).insert(&f.db).await?;
    assert_eq!(eve.boxes.get()?[0].owner_code.as_deref(), Some("e"));
    Ok(())
}
