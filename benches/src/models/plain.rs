//! Structs for the libraries that have no models.

use orm_bench_cases::tables;
use rustc_hash::FxHashMap;

#[derive(Debug)]
pub struct User {
    pub id: i64,
    pub name: String,
    pub hair_color: Option<String>,
}

#[derive(Debug)]
pub struct Post {
    pub id: i64,
    pub user_id: i64,
    pub title: String,
    pub body: Option<String>,
}

#[derive(Debug)]
pub struct Comment {
    pub id: i64,
    pub post_id: i64,
    pub text: String,
}

tables!(User, Post, Comment);

pub type Tree = (User, Vec<(Post, Vec<Comment>)>);

/// Puts children under their parents.
pub fn grow(users: Vec<User>, posts: Vec<Post>, comments: Vec<Comment>) -> Vec<Tree> {
    let post_places: FxHashMap<i64, usize> = (0..).zip(&posts).map(|(at, post)| (post.id, at)).collect();
    let user_places: FxHashMap<i64, usize> = (0..).zip(&users).map(|(at, user)| (user.id, at)).collect();
    let mut posts: Vec<(Post, Vec<Comment>)> = posts.into_iter().map(|post| (post, Vec::new())).collect();
    for comment in comments {
        posts[post_places[&comment.post_id]].1.push(comment);
    }
    let mut users: Vec<Tree> = users.into_iter().map(|user| (user, Vec::new())).collect();
    for post in posts {
        users[user_places[&post.0.user_id]].1.push(post);
    }
    users
}
