//! What a plugin is granted, on its way into a worker: the folders go along, since nothing is opened there.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stratagem_domain::{Capability, Digest};

use super::wire::read_bytes;
use crate::folder::{Folder, Node};
use crate::wasi::Links;

/// A [`Links`] without the content of its files, which stands behind the message.
#[derive(Serialize, Deserialize)]
pub struct LinksMessage<'a> {
    capabilities: Cow<'a, BTreeSet<Capability>>,
    declined: Cow<'a, BTreeSet<Capability>>,
    folders: Vec<FolderMessage<'a>>,
}

#[derive(Serialize, Deserialize)]
struct FolderMessage<'a> {
    name: Cow<'a, str>,
    digest: Digest,
    nodes: Vec<NodeMessage<'a>>,
}

#[derive(Serialize, Deserialize)]
enum NodeMessage<'a> {
    Dir(Cow<'a, [(String, usize)]>),
    /// Bytes of its content.
    File(u64),
    Link(Cow<'a, str>),
    Special,
}

impl<'a> From<&'a Links> for LinksMessage<'a> {
    fn from(links: &'a Links) -> Self {
        let node = |node: &'a Node| match node {
            Node::Dir(names) => NodeMessage::Dir(Cow::Borrowed(names)),
            Node::File(bytes) => NodeMessage::File(bytes.len() as u64),
            Node::Link(target) => NodeMessage::Link(Cow::Borrowed(target)),
            Node::Special => NodeMessage::Special,
        };
        let folder = |(name, folder): &'a (String, Arc<Folder>)| FolderMessage {
            name: Cow::Borrowed(name),
            digest: folder.digest,
            nodes: folder.nodes().iter().map(node).collect(),
        };
        let capabilities = Cow::Borrowed(&links.capabilities);
        let declined = Cow::Borrowed(&links.declined);
        Self { capabilities, declined, folders: links.folders.iter().map(folder).collect() }
    }
}

/// The content of all files, in the order of the message.
pub fn files(links: &Links) -> impl Iterator<Item = &[u8]> {
    let nodes = links.folders.iter().flat_map(|(_, folder)| folder.nodes());
    nodes.filter_map(|node| match node {
        Node::File(bytes) => Some(&**bytes),
        _ => None,
    })
}

impl LinksMessage<'_> {
    /// As [`Links::lends`].
    pub fn lends(&self) -> bool {
        self.capabilities.iter().any(|capability| !capability.is_wasi())
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        let nodes = self.folders.iter().flat_map(|folder| &folder.nodes);
        nodes.map(|node| if let NodeMessage::File(bytes) = node { *bytes } else { 0 }).sum()
    }

    /// Reads the files behind the message, in a worker.
    pub fn receive(self, from: &mut impl Read) -> io::Result<Links> {
        let mut node = |node: NodeMessage<'_>| {
            Ok(match node {
                NodeMessage::Dir(names) => Node::Dir(names.into_owned()),
                NodeMessage::File(bytes) => Node::File(read_bytes(from, bytes)?.into()),
                NodeMessage::Link(target) => Node::Link(target.into_owned()),
                NodeMessage::Special => Node::Special,
            })
        };
        let folders = self.folders.into_iter().map(|folder| {
            let nodes = folder.nodes.into_iter().map(&mut node).collect::<io::Result<_>>()?;
            Ok((folder.name.into_owned(), Arc::new(Folder::of(nodes, folder.digest))))
        });
        let folders = folders.collect::<io::Result<_>>()?;
        let (capabilities, declined) = (self.capabilities.into_owned(), self.declined.into_owned());
        Ok(Links { capabilities, declined, folders })
    }
}
